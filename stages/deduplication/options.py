"""What a recipe may set of deduplication; read with every recipe, so nothing is imported that does
the work."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from stages.batches import StageConfig, located


def _listed(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _differ(given: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(given)) < len(given) or "" in given:
        raise ValueError(f"against must name different indexes, got {list(given)}")
    return given


Against = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
    AfterValidator(_differ),
    Field(
        description="Indexes of earlier corpora (one or a list: the folder `index` that `[publish] index = true` "
        "writes, a path relative to the recipe or any fsspec URL). Documents that repeat an indexed one are removed as "
        "its duplicates, whatever `[keepers]` says; what is indexed stays as it is. An index made with other settings "
        "is refused."
    ),
]


class ComparingConfig(StageConfig):
    """Options that all stages share which compare whole documents."""

    against: Against = ()

    def at_home(self, base: str) -> Self:
        return self.model_copy(
            update={"against": tuple(located(path, base) for path in self.against)}
        )


class ExactDeduplicationConfig(ComparingConfig):
    """Options of `exact_keys`."""

    stage: Literal["exact"] = "exact"
    fold_case: bool = Field(
        default=False,
        description="Treat capitals and small letters as the same, as headings and shouting differ.",
    )


class UrlDeduplicationConfig(ComparingConfig):
    """Options of `url_keys`."""

    stage: Literal["url"] = "url"
    drop_www: bool = Field(
        default=False,
        description="Treat www.example.org and example.org as one host, as most sites do and some do not.",
    )
    drop_trailing_slash: bool = Field(
        default=False,
        description="Treat /page/ and /page as one address; a few servers answer them differently.",
    )
    sort_parameters: bool = Field(
        default=True,
        description="Treat ?a=1&b=2 and ?b=2&a=1 as one address; parameters of one name keep their order.",
    )
    tracking_parameters: tuple[str, ...] = Field(
        default=(),
        description="Names of parameters to ignore in addition to the known trackers, in small letters.",
    )
    max_url_bytes: int = Field(
        default=8000,
        ge=1,
        description="Longer addresses take part in no comparison; RFC 9110, section 4.1, asks for 8,000.",
    )


class NearDeduplicationConfig(ComparingConfig):
    """Options of near deduplication."""

    stage: Literal["near"] = "near"
    threshold: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Least Jaccard similarity of a duplicate with the document that is kept.",
    )
    bands: Annotated[int, Field(ge=1, le=1024)] | Literal["optimum"] = Field(
        default=14,
        description='Bands of a signature, or "optimum": bands and rows chosen for the threshold among `permutations`.',
    )
    rows: int = Field(
        default=8, ge=1, le=64, description="Rows of a band; more rows make fewer candidates."
    )
    permutations: int = Field(
        default=112,
        ge=2,
        le=4096,
        description='Longest signature that "optimum" may choose; unused otherwise.',
    )
    word_shingle: int = Field(
        default=5, ge=1, le=100, description="Words in a shingle, where words are spaced."
    )
    grapheme_shingle: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Grapheme clusters in a shingle, in scripts written without spaces between words. At 8, 586 pairs "
        "of help pages are on average as similar in Japanese and Chinese as in six spaced languages by 5 words, within "
        "0.01; at 5 they are 0.01 to 0.02 more similar, at 12 some 0.03 less.",
    )
    seed: int = Field(default=0, ge=0, lt=1 << 64, description="Seed of the signatures.")
    verify: Literal["signature", "shingles", "none"] = Field(
        default="shingles",
        description="How a candidate is compared with the document that is kept: by the exact Jaccard similarity of "
        "the shingles (precision 0.99 on edited pages in 19 scripts), by the share of equal signature slots (0.94, "
        "without reading the texts again), or not at all (0.46: then a shared template is enough). "
        "Documents of an index have no shingles, and are compared by their signatures instead.",
    )


class BySignatureConfig(ComparingConfig):
    """Options of stages that compare documents by signatures of what they have in common: their
    texts have nothing."""

    threshold: float = Field(default=0.7, gt=0, le=1)
    bands: int = Field(
        default=20,
        ge=1,
        le=1024,
        description="Bands of a signature; 20 of 5 rows find 97.5 % at 0.7.",
    )
    rows: int = Field(default=5, ge=1, le=64, description="Rows of a band.")

    @property
    def by_signature(self) -> NearDeduplicationConfig:
        """Return how signatures are made and compared."""
        return NearDeduplicationConfig(
            threshold=self.threshold, bands=self.bands, rows=self.rows, verify="signature"
        )


class AcrossScriptsConfig(BySignatureConfig):
    """Options of deduplication across scripts."""

    stage: Literal["across_scripts"] = "across_scripts"
    keep: tuple[str, ...] = Field(
        default=(),
        description="ISO 15924 codes, the script to keep first; where it does not decide, `[keepers]` does, or else "
        "the first document is kept, and of those of one split the one whose script is first in the alphabet.",
    )
    threshold: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="Least Jaccard similarity of two skeletons; between scripts some words are spelled by ear.",
    )

    @field_validator("keep")
    @classmethod
    def _known(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        from stages.deduplication.across_scripts import SCRIPTS

        if unknown := sorted(set(keep) - set(SCRIPTS)):
            raise ValueError(
                f"keep must name scripts that have skeletons, {', '.join(SCRIPTS)}, got {unknown}"
            )
        return keep


class AcrossLanguagesConfig(BySignatureConfig):
    """Options of deduplication across languages."""

    stage: Literal["across_languages"] = "across_languages"
    action: Literal["mark", "drop"] = Field(
        default="mark",
        description="`mark`: all stay, and the column `page_languages` says in how many languages a page stands. "
        "`drop`: one of them stays, as `[keepers]` says.",
    )
    within: Literal["corpus", "host"] = Field(
        default="corpus",
        description="What is compared: all pages, or those of one host, where mirrors of a site are looked for.",
    )
    min_anchors: int = Field(
        default=8,
        ge=2,
        description="Different numbers, addresses and names of a page that is compared; fewer say nothing.",
    )
    threshold: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="Least Jaccard similarity of the numbers, addresses and names of two pages.",
    )

    @model_validator(mode="after")
    def _dropped_for_an_index(self) -> Self:
        if self.against and self.action == "mark":
            raise ValueError('against goes with action = "drop": an index names no languages')
        return self


class LineDeduplicationConfig(StageConfig):
    """Options of `line_keys`, `frequent_keys` and `remove_lines`."""

    stage: Literal["lines"] = "lines"
    unit: Literal["line", "paragraph"] = Field(
        default="line",
        description="What is compared and removed: lines, or paragraphs (lines up to a blank one).",
    )
    within: Literal["source", "language", "corpus"] = Field(
        default="source",
        description="Whose documents are counted; what repeats in one source may be text in another.",
    )
    min_documents: int = Field(
        default=10,
        ge=2,
        description="A line is removed if at least this many documents have it, each counted once.",
    )
    min_line_code_points: int = Field(
        default=10,
        ge=1,
        description="Shorter lines always stay: answers, refrains and headings repeat by nature.",
    )
    fold_digits: bool = Field(
        default=False,
        description='Treat all digits as the same, so that "Page 3 of 9" is repeated; so are headings of laws.',
    )
    keep_first: bool = Field(
        default=False,
        description="Leave the line in the first document that has it, so that its words are not lost.",
    )
    min_code_points: int = Field(
        default=100,
        ge=0,
        description="A document that had lines removed is rejected if less than this remains of it.",
    )


class SpanDeduplicationConfig(StageConfig):
    """Options of `span_fingerprints`, `span_windows` and `remove_spans`."""

    stage: Literal["spans"] = "spans"
    min_bytes: int = Field(
        default=200, ge=8, le=1 << 20, description="Shortest repeated span, in bytes of UTF-8."
    )
    fingerprint_bytes: int = Field(
        default=64,
        ge=4,
        description="Bytes of a fingerprint; shorter ones travel less and have more windows looked at in vain.",
    )
    stride: int = Field(
        default=16,
        ge=1,
        description="Bytes between windows; 1 finds spans to the byte, and sends 24 bytes for each repeated one.",
    )
    min_documents: int = Field(
        default=2, ge=2, description="A span is repeated if this many documents have it."
    )
    keep_first: bool = Field(
        default=True,
        description="Leave each span in the first document that has it, so that it is not lost.",
    )
    mask: str = Field(
        default="", description="What is written in place of a span that is taken out."
    )
    min_code_points: int = Field(
        default=1,
        ge=0,
        description="A document that had spans removed is rejected if less than this remains of it, and, unless this "
        "is 0, if it has no other word.",
    )

    @model_validator(mode="after")
    def _fingerprint_in_span(self) -> SpanDeduplicationConfig:
        if self.fingerprint_bytes > self.min_bytes:
            raise ValueError(
                "fingerprint_bytes must not exceed min_bytes, got "
                f"fingerprint_bytes={self.fingerprint_bytes}, min_bytes={self.min_bytes}"
            )
        if 2 * self.stride > self.min_bytes:
            raise ValueError(
                f"stride must not exceed half of min_bytes, got stride={self.stride}, min_bytes={self.min_bytes}"
            )
        return self

    @property
    def window_bytes(self) -> int:
        """Length of the windows that are compared."""
        return self.min_bytes - self.stride + 1


class KeeperOrder(StageConfig):
    """Which document of several is preferred: by the first criterion that tells them apart, in the
    end by id."""

    by: tuple[
        Literal[
            "source",
            "quality",
            "cleanest",
            "longest",
            "shortest",
            "newest",
            "oldest",
            "first",
            "id",
        ],
        ...,
    ] = Field(
        default=("cleanest",),
        description="Criteria from the most to the least important. `source`: in the order of `sources`; `quality`: "
        "the highest value of the column `quality`; `cleanest`: the copy that is whole, in one language, without "
        "menus, comments and damaged characters; `longest` and `shortest`: code points of the text; `newest` and "
        "`oldest`: the column `date`. Documents that lack a value come last. Of equals, `id` decides, named "
        "or not: the hash of the id, which is the same in every run and follows no order of the source; or `first`: "
        "by the order of the recipe's sources, then by path, then by place in the file.",
    )
    sources: tuple[str, ...] = Field(
        default=(),
        description="Names of sources, the most trusted first; sources not named come after these. Without it, "
        "`source` goes by the order of the recipe's sources.",
    )
    quality: str = Field(
        default="language_score",
        description="Column of numbers, or of strings that say numbers, higher is better; one that each source keeps.",
    )

    @model_validator(mode="after")
    def _coherent(self) -> KeeperOrder:
        for name, values in (("by", self.by), ("sources", self.sources)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} must not repeat a value, got {list(values)}")
        for pair in ({"longest", "shortest"}, {"newest", "oldest"}):
            if pair <= set(self.by):
                raise ValueError(f"by must hold one of {' and '.join(sorted(pair))}, got both")
        for last in ("id", "first"):
            if last in self.by[:-1]:
                raise ValueError(
                    f"by must end where it says {last}, which tells all documents apart, got {list(self.by)}"
                )
        if self.sources and "source" not in self.by:
            raise ValueError(
                f'sources order what by = ["source"] looks at, got by = {list(self.by)}'
            )
        return self

    @property
    def criteria(self) -> tuple[str, ...]:
        """All criteria, with the one that decides in the end."""
        return self.by if self.by[-1:] in (("id",), ("first",)) else (*self.by, "id")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that `preference_keys` reads."""
        of: dict[str, tuple[str, ...]] = {
            "source": ("source",),
            "quality": (self.quality,),
            "newest": ("date",),
            "oldest": ("date",),
        }
        of |= {"first": (), "id": (), "cleanest": ("text", "script", "other_language_share")}
        ids = () if "first" in self.by else ("id",)
        return tuple(
            dict.fromkeys(
                [*ids, *(name for criterion in self.by for name in of.get(criterion, ("text",)))]
            )
        )

    @property
    def sort_keys(self) -> int:
        """Number of keys that `preference_keys` makes of a document: one for each criterion, two of
        its id."""
        return len(set(self.by) - {"id", "first"}) + 2 * ("first" not in self.by)
