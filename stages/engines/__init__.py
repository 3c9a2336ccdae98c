"""Engines that write text from text: translation now, synthesis on the same footing."""
