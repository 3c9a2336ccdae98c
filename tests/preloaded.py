"""What glotmill and its workers import and keep, for a process that tests fork them from.

A run of a tiny corpus is nearly all start: hundreds of them would pay minutes of importing. Nothing
here starts a thread, of which a fork would leave only the locks.
"""

import importlib

from data_cards.pages.html import html_environment
from data_cards.pages.markdown import _environment
from pipelines.runners import worker_imports  # noqa: F401
from schemas.language import to_iso639_3
from stages.decontamination.units import _tables
from stages.language_identification.identify import LanguageIdentificationConfig, _load
from stages.script_detection import script_table, scripts_of_languages

for module in (
    "scipy.sparse",
    "pipelines.build.run",
    "stages.normalization.normalize",
    "stages.quality.filter_quality",
    "tests.running",
):
    importlib.import_module(module)
to_iso639_3("eu")
script_table()
scripts_of_languages()
_tables()
_load("cascade", LanguageIdentificationConfig().labels)
for environment, kind in ((html_environment(), ".html.jinja"), (_environment(), ".md.jinja")):
    for name in environment.list_templates():
        if name.endswith(kind):
            environment.get_template(name)
