"""Read what a finished corpus says of itself. A file that is damaged or was changed by hand is told
in one line, as any folder may be given to a command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from pipelines.staging.store import CARD, MANIFEST, Store, require_corpus
from schemas.columns import SchemaError
from schemas.failures import FailureError
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from schemas.card.card import Card

Model = TypeVar("Model", bound=BaseModel)


def read_manifest(store: Store) -> Manifest:
    """Read the manifest. Raises StagingError without a finished corpus, FailureError if it is
    damaged."""
    require_corpus(store)
    return _read(store, MANIFEST, Manifest)


def read_card(store: Store) -> Card:
    """Read the facts of the card. Raises StagingError without a finished corpus, FailureError if
    they are damaged."""
    from schemas.card.card import Card  # a run that is finished already needs no card

    require_corpus(store)
    return _read(store, CARD, Card)


def _read(store: Store, path: str, model: type[Model]) -> Model:
    with damage_told(store, path):
        return model.model_validate_json(store.read(path))


@contextlib.contextmanager
def damage_told(store: Store, path: str) -> Iterator[None]:
    """Raise FailureError, with what to do, where the block fails to read a file of a corpus."""
    try:
        yield
    except FileNotFoundError:
        words = "is not there"
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        words = f"is damaged: {f'{place}: ' if place else ''}{first['msg']}"
    except (pa.ArrowException, SchemaError, KeyError, UnicodeDecodeError) as problem:
        words = f"is damaged: {' '.join(str(problem).split())[:200]}"
    else:
        return
    raise FailureError(f"{store.url}/{path} {words}; see glotmill audit {store.url}") from None
