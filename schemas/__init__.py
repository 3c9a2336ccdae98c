"""Contracts: the columns, records and recipes that everything else agrees on. No Beam, no I/O."""
