"""What every local worker needs, imported once by the process that workers are forked from.

What is imported stays; the garbage collector need not go through it, here while it grows or in every worker again.
"""

import gc
import importlib
import logging

gc.disable()
logging.disable(logging.WARNING)  # on import Beam warns of Google Cloud clients that are not installed
for module in (
    "beam_tasks",
    "ingest",
    "dedup",
    "key_shuffle",
    "near_shuffle",
    "repeat_shuffle",
    "augment",
    "decontaminate",
    "publish",
):
    importlib.import_module(f"pipelines.{module}")
logging.disable(logging.NOTSET)
gc.freeze()
gc.enable()
