"""What is preloaded for all tests, and what runs on a failing store and their watching need."""

import importlib

for module in ("tests.preloaded", "s3fs", "tests.chaos.file_system", "tests.chaos.places"):
    importlib.import_module(module)
