"""What every local worker needs, imported once by the process that workers are forked from.

What is imported stays; the garbage collector need not go through it, here while it grows or in every worker again.
Beam loads pandas and clients of services where it finds them, for transforms that no local worker runs: half of all the
time that it would take.
"""

import gc
import importlib
import logging

from pipelines.without_pandas import left_out, let_arrow_do_without_pandas

gc.disable()
logging.disable(logging.WARNING)  # on import Beam warns of Google Cloud clients that are not installed
let_arrow_do_without_pandas()
with left_out("boto3", "pandas", "pymongo", "requests"):
    importlib.import_module("apache_beam.runners.portability.fn_api_runner")
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
