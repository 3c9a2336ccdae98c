"""Phases, one file each: what runs where, with splits, staging, resume and the command line."""
