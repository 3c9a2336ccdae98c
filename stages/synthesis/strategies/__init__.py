"""Strategies of synthesis, one file each: rows to requests, responses to rows."""
