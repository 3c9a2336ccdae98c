"""Name the language of each document: passages, models, calibration, training."""
