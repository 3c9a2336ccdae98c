"""Options of `personal_data`, apart from what the stage itself needs to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from pydantic import Field

from stages.batches import StageConfig

Kind = Literal["email", "ip_address", "phone", "iban", "payment_card", "national_id"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class PersonalDataConfig(StageConfig):
    """Options of `personal_data`."""

    stage: Literal["personal_data"] = "personal_data"
    kinds: tuple[Kind, ...] = Field(
        default=KINDS,
        min_length=1,
        description="What is looked for; all kinds by default, those in `docs/recipe.md`.",
    )
    mode: Literal["replace", "drop"] = Field(
        default="replace",
        description="`replace`: each is replaced by its token; `drop`: documents that hold any are dropped, with how "
        "many they hold as value.",
    )
    token: str = Field(
        default="<{kind}>",
        pattern=r"^[^{}]*\{kind\}[^{}]*$|^[^{}]*$",
        description="What stands for the data in the text; `{kind}` becomes the kind in capitals, as in <EMAIL>.",
    )
    regions: tuple[str, ...] = Field(
        default=(),
        description="ISO 3166 codes of countries whose phone numbers and national ids are known by their local form; "
        "by default those where the document's language is spoken.",
    )

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if not self.regions and "identify_language" not in before:
            yield (
                "personal_data knows local phone numbers and ids by the language, so it needs identify_language "
                "before it, or `regions`"
            )
