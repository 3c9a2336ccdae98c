"""A Flex Template of a recipe: what a scheduler, or a person in the console, starts it by.

A template starts one job, and a run has several. So its job has one element, on one worker: the
launcher, which runs `glotmill run` there; what is killed there is begun again, and goes on. The
recipe and the files that it names are staged with the specification.

Source of its form: `google.dataflow.v1beta3.ContainerSpec`, which the tests parse it by.
"""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict

from pipelines.build.elsewhere import worker_site
from pipelines.build.plan import Plan
from pipelines.runners.worker_site import StagedFile
from pipelines.staging.store import Store

LABELS = {
    "job": ("Job", "The recipe with its files, as glotmill template staged it.", "GCS_READ_FILE"),
    "output": ("Output", "The folder of the corpus.", "GCS_WRITE_FOLDER"),
    "limit": ("Records of each source", "A trial: only so many of each source are read.", "TEXT"),
    "tasks_on": (
        "Where tasks run",
        "local: on the one machine of this job, the default; or dataflow: as jobs of their own.",
        "TEXT",
    ),
}
_FORMS = {"limit": "^[1-9][0-9]*$", "tasks_on": "^(local|dataflow)$", "output": "^gs://.+$"}


class StagedJob(BaseModel):
    """A recipe as the launcher finds it: its text, its path, and the files next to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    path: str
    files_at: str  # the store of the files
    files: tuple[StagedFile, ...]


def stage_job(plan: Plan, staging: str) -> str:
    """Put a recipe and the files that it names on the staging store; return the job's address."""
    site = worker_site(plan, staging)
    path = f"{plan.base}/recipe.toml"
    job = StagedJob(recipe=plan.recipe_text, path=path, files_at=site.store.url, files=site.files)
    content = job.model_dump_json(indent=1).encode() + b"\n"
    folder = Store(staging)
    name = f"jobs/{plan.recipe.corpus.name}-{hashlib.sha256(content).hexdigest()[:16]}.json"
    folder.write(name, content)
    return f"{staging.rstrip('/')}/{name}"


def flex_template(plan: Plan, image: str, job: str) -> dict[str, object]:
    """Return the specification of a template: its image, and the parameters that it is started by.

    What the recipe says of itself describes it; a parameter has the form that `glotmill run` takes.
    """
    corpus = plan.recipe.corpus
    size = sum(split.size_bytes for split in plan.splits) / 1e9
    about = f"{corpus.name}: {len(plan.splits):,} splits, {size:,.1f} GB of input"
    optional = {"limit", "tasks_on"}
    return {
        "image": image,
        "sdkInfo": {"language": "PYTHON"},
        "metadata": {
            "name": f"glotmill {corpus.name}",
            "description": f"{about}; phases {', '.join(_phases(plan))}",
            "parameters": [
                {
                    "name": name,
                    "label": label,
                    "helpText": help_text + (f" This recipe: {job}" if name == "job" else ""),
                    "paramType": kind,
                    "isOptional": name in optional,
                    **({"regexes": [_FORMS[name]]} if name in _FORMS else {}),
                }
                for name, (label, help_text, kind) in LABELS.items()
            ],
        },
    }


def _phases(plan: Plan) -> list[str]:
    recipe = plan.recipe
    used = {
        "ingest": True,
        "dedup": recipe.dedup,
        "decontaminate": recipe.decontaminate,
        "augment": recipe.augment,
        "synthesize": recipe.synthesize,
        "publish": True,
    }
    return [name for name, there in used.items() if there]
