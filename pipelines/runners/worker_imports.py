"""What every local worker needs, imported once by the process that workers are forked from.

What is imported stays; the garbage collector need not go through it, here while it grows or in
every worker again.
"""

import gc
import importlib

from pipelines.runners.without_pandas import let_arrow_do_without_pandas

gc.disable()
let_arrow_do_without_pandas()
for module in ("ingest", "deduplication.deduplicate", "augment", "decontaminate", "publish.shards"):
    importlib.import_module(f"pipelines.phases.{module}")
# what every run comes to import
for module in (
    "numpy.ma",
    "polars",
    "stages.deduplication.exact",
):
    importlib.import_module(module)
gc.freeze()
gc.enable()
