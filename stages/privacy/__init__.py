"""Personal data in texts: found by shape, believed only where a checksum or a rule of the country
holds."""
