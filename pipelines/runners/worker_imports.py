"""What every local worker needs, imported once by the process that workers are forked from: Beam, and `task_imports`.

Beam loads pandas and clients of services where it finds them, for transforms that no local worker runs: half of all the
time that it would take.
"""

import gc
import importlib
import logging

from pipelines.runners.without_pandas import left_out, let_arrow_do_without_pandas

gc.disable()
logging.disable(logging.WARNING)  # on import Beam warns of Google Cloud clients that are not installed
let_arrow_do_without_pandas()
with left_out("boto3", "pandas", "pymongo", "requests"):
    importlib.import_module("apache_beam.runners.portability.fn_api_runner")
importlib.import_module("pipelines.runners.beam_tasks")
for module in ("key_shuffle", "near_shuffle", "repeat_shuffle"):
    importlib.import_module(f"pipelines.phases.deduplication.{module}")
for module in (
    *("deduplication.across_scripts", "deduplication.lines", "deduplication.near", "deduplication.spans"),
    *("deduplication.url", "extraction.extract", "language_identification.passages", "transliteration.transliterate"),
):
    importlib.import_module(f"stages.{module}")
logging.disable(logging.NOTSET)
importlib.import_module("pipelines.runners.task_imports")
