"""The phases of a run, one module each: what every task of the phase does, and how it is
started."""
