"""What glotmill and its workers import and keep, for a process that runs are forked from.

A run of a tiny corpus is nearly all start: hundreds of them would pay hours of importing. Nothing
here starts a thread, of which a fork would leave only the locks.
"""

import importlib

from stages.decontamination.units import _tables
from stages.language_identification.identify import LanguageIdentificationConfig, _load
from stages.script_detection import script_table, scripts_of_languages

for module in (
    "s3fs",
    "scipy.sparse",
    "pipelines.build.run",
    "pipelines.command_line.app",
    "pipelines.runners.worker_imports",
    "stages.normalization.normalize",
    "stages.quality.filter_quality",
    "tests.chaos.file_system",
    "tests.chaos.places",
):
    importlib.import_module(module)
script_table()
scripts_of_languages()
_tables()
_load("cascade", LanguageIdentificationConfig().labels)
