"""Documents are held to their language line by line, and doubtful ones are told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from schemas.document import DOCUMENT
from schemas.model_signals import DOUBTFUL, LANGUAGES_AGREE, OTHER_LANGUAGE_SPANS
from stages.batches import BoundStage, FilteredAndChanged, run_stages
from stages.language_identification.cascade import Candidates, Cascade
from stages.language_identification.purity import language_purity
from stages.language_identification.purity_options import LanguagePurityConfig

EUS = "Gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu."
MORE = "Etxera itzuli ginenean oso nekatuta geunden, baina pozik, eta bihar berriro irtengo gara."
ENG = "This morning we went to the mountains with friends and walked through the woods for hours."
RUS = "Сегодня утром мы пошли с друзьями в горы и долго гуляли по лесу."
HRV = "Jutros smo s prijateljima otišli u planine i dugo hodali šumom prema jezeru."
FIELDS = pa.schema(
    [
        DOCUMENT.field(name)
        for name in ("id", "text", "language", "script", "language_group", "other_language_share")
    ]
)


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade()


def block(*rows: tuple[str, str, str], group: str | None = None) -> pa.RecordBatch:
    """Documents of (text, language, script)."""
    filled = [(str(number), *row, group, None) for number, row in enumerate(rows)]
    columns = zip(*filled, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, FIELDS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=FIELDS)


def always(language: str) -> Callable[[list[str]], Candidates]:
    def identify(texts: list[str]) -> Candidates:
        return Candidates(
            (language,), np.zeros((len(texts), 1), np.int64), np.ones((len(texts), 1), np.float32)
        )

    return identify


SHARES = {
    "pure": ((f"{EUS}\n{MORE}", "eus", "Latn"), 0.0),
    "a third in English": ((f"{EUS}\n{ENG}\n{MORE}", "eus", "Latn"), 0.33),
    "a line in another script": ((f"{RUS}\n{EUS}\n{MORE}", "eus", "Latn"), 0.27),
    "short lines say too little": ((f"{EUS}\nThe end\nread more\n{MORE}", "eus", "Latn"), 0.0),
    "a near neighbour is none": ((f"{HRV}\n{HRV}", "srp", "Latn"), 0.0),
    "terms in Latin script are none": (
        (f"{RUS}\nMicrosoft Windows Server, Apache HTTP\n{RUS}", "rus", "Cyrl"),
        0.0,
    ),
    "no lines": (("", "eus", "Latn"), 0.0),
}


@pytest.mark.parametrize(("row", "share"), SHARES.values(), ids=SHARES.keys())
def test_the_share_of_other_lines(
    cascade: Cascade, row: tuple[str, str, str], share: float
) -> None:
    kept, rejected, _ = language_purity(block(row), cascade, LanguagePurityConfig())
    assert rejected.num_rows == 0
    assert kept["other_language_share"].to_pylist() == [pytest.approx(share, abs=0.05)]


def test_documents_with_too_much_of_another_language_go(cascade: Cascade) -> None:
    batch = block(
        (f"{EUS}\n{ENG}\n{ENG}\n{RUS}", "eus", "Latn"),
        (f"{EUS}\n{MORE}", "eus", "Latn"),
        (ENG, "und", "Latn"),
    )
    kept, rejected, _ = language_purity(batch, cascade, LanguagePurityConfig(max_other_share=0.5))
    assert kept["id"].to_pylist() == ["1", "2"], "of an unknown language no line is another"
    assert rejected["reason"].to_pylist() == ["other_language"]
    assert rejected["detail"].to_pylist() == ["eng_Latn"]
    assert rejected["value"].to_pylist()[0] > rejected["threshold"].to_pylist()[0] == 0.5


def test_lines_are_cut_and_counted(cascade: Cascade) -> None:
    batch = block((f"{EUS}\n{ENG}\n\n{MORE}\n{RUS}", "eus", "Latn"), (EUS, "eus", "Latn"))
    config = LanguagePurityConfig(max_other_share=0.9, other_lines="cut")
    kept, _, changes = language_purity(batch, cascade, config)
    assert kept["text"].to_pylist() == [f"{EUS}\n\n{MORE}", EUS]
    assert kept["other_language_share"].to_pylist() == [0.0, 0.0]
    assert changes.to_pylist() == [
        {
            "rule": "lines_in_other_languages",
            "language": "eus",
            "script": "Latn",
            "documents": 1,
            "code_points": len(ENG) + len(RUS),
        }
    ]
    outcome = run_stages(
        batch, [BoundStage("purity", lambda part: language_purity(part, cascade, config))]
    )
    assert [stage for stage, _ in outcome.changes] == ["purity"]


SPA = "Toda persona tiene derecho a la propiedad, individual y colectivamente, en su municipio."
GLG = "Ninguén será privado arbitrariamente da súa casa nin das súas leiras polo concello."
SCO = "Awbody hes the richt tae freedom o traivel and residence ben the mairches o aw States."
WIN = "Awbody hes the richt tae win awa frae ony countrie, includin his ain."
KAA = "Ҳәр бир инсан қай жерде болыўына қарамастан, тән алыныў ҳуқықына ийе."
LIFE = (
    "Ҳәр бир инсан ҳәр бир мәмлекет ишинде еркин жүриў ҳуқықына ийе.\n"
    "Ҳәр бир инсан жасаў, еркин болыў ҳәм жеке қол қатылмаслық ҳуқықларына ийе."
)
TPI = "Olgeta manmeri long olgeta hap igat rait long luksave blong lo."
SAFE = "Yumi olgeta igat rait long stap laip, fri na sef."
SNN = "Tsi'sini jai bai\u0331 coca caco. Sia'ye bai\u0331 jëaye bai'ye quëahuesosico."
OWN_LINES = {
    "sco called eng: the Scots is sure, and the document's words": (SCO, WIN, "eng", "Latn", SPA),
    "kaa: Kazakh and Azerbaijani are near": (KAA, LIFE, "kaa", "Cyrl", RUS),
    "tpi: Bislama is near": (SAFE, TPI, "tpi", "Latn", ENG),
    "snn: a heading begins in Spanish": (SNN, "Artículo 1. Te'o aco quëaye.", "snn", "Latn", SPA),
    "glg: Spanish is near, and another": (GLG, GLG.replace("casa", "vida"), "glg", "Latn", SPA),
    "eus: no one is near": (EUS, MORE, "eus", "Latn", SPA),
}


@pytest.mark.parametrize(
    ("first", "second", "language", "script", "foreign"), OWN_LINES.values(), ids=OWN_LINES.keys()
)
def test_lines_of_small_languages_stay_and_others_are_cut(
    cascade: Cascade, first: str, second: str, language: str, script: str, foreign: str
) -> None:
    config = LanguagePurityConfig(max_other_share=1, other_lines="cut")
    batch = block((f"{first}\n{foreign}\n{second}", language, script))
    kept = language_purity(batch, cascade, config).kept["text"].to_pylist()
    assert kept == [f"{first}\n{second}"]


def candidates(*languages: str) -> Callable[[list[str]], Candidates]:
    """A model that names these languages for every line, the first of them surely."""

    def identify(texts: list[str]) -> Candidates:
        codes = np.tile(np.arange(len(languages)), (len(texts), 1))
        scores = np.tile(np.array([0.9, 0.06, 0.02], np.float32)[: len(languages)], (len(texts), 1))
        return Candidates(languages, codes, scores)

    return identify


DOUBTS = {
    "tzo: another is sure": ("tzo", ("tzh", "cak"), EUS, 1.0),
    "tzo is thought of as well": ("tzo", ("tzh", "cak", "tzo"), EUS, 0.0),
    "srp: a neighbour of it is thought of": ("srp", ("slk", "ces", "hrv"), EUS, 0.0),
    "slk: Croatian is no neighbour": ("slk", ("srp", "hrv"), EUS, 1.0),
    "30 letters": ("tzo", ("tzh",), "some quick brown foxes jumped over a", 1.0),
    "29 letters are too few": ("tzo", ("tzh",), "some quick brown foxes jumped over", 0.0),
}


@pytest.mark.parametrize(("language", "named", "line", "share"), DOUBTS.values(), ids=DOUBTS.keys())
def test_doubt(language: str, named: tuple[str, ...], line: str, share: float) -> None:
    config = LanguagePurityConfig(max_other_share=1, other_lines="mark")
    kept = language_purity(block((line, language, "Latn")), candidates(*named), config).kept
    assert kept["other_language_share"].to_pylist() == [share]


def test_spans_are_marked(cascade: Cascade) -> None:
    text = f"{RUS}\n{ENG}\n{ENG}\n{EUS}\n{MORE}\n{MORE}\n{ENG}"
    config = LanguagePurityConfig(max_other_share=0.9, other_lines="mark")
    kept = language_purity(block((text, "eus", "Latn"), (EUS, "eus", "Latn")), cascade, config).kept
    assert kept["text"].to_pylist()[0] == text
    spans, none = kept[OTHER_LANGUAGE_SPANS.name].to_pylist()
    assert none == []
    assert [(text[span["start"] : span["end"]], span["label"]) for span in spans] == [
        (RUS, "rus_Cyrl"),
        (f"{ENG}\n{ENG}", "eng_Latn"),
        (ENG, "eng_Latn"),
    ]
    assert kept.schema.field(OTHER_LANGUAGE_SPANS.name) == OTHER_LANGUAGE_SPANS


def test_a_second_model_and_doubt(cascade: Cascade) -> None:
    config = LanguagePurityConfig(second_model="x.ftz", doubtful="apart")
    batch = block((EUS, "eus", "Latn"), (ENG, "eng", "Latn"), (ENG, "und", "Latn"))
    kept = language_purity(batch, cascade, config, always("eus")).kept
    assert kept[LANGUAGES_AGREE.name].to_pylist() == [True, False, None]
    assert kept[DOUBTFUL.name].to_pylist() == [False, True, False]
    assert kept.num_rows == 3, "nothing is dropped for doubt"
    unclear = language_purity(
        block((HRV, "hrv", "Latn"), group="hbs_Latn"),
        cascade,
        LanguagePurityConfig(doubtful="apart"),
    )
    assert unclear.kept[DOUBTFUL.name].to_pylist() == [True]


def test_each_document_depends_on_itself_alone(cascade: Cascade) -> None:
    rows = [
        (f"{EUS}\n{ENG}", "eus", "Latn"),
        (f"{ENG}\n{EUS}", "eng", "Latn"),
        (f"{RUS}\n{ENG}\n", "rus", "Cyrl"),
    ]
    config = LanguagePurityConfig(max_other_share=1, other_lines="cut")
    together = language_purity(block(*rows), cascade, config).kept
    alone = [
        language_purity(block(row), cascade, config).kept["text"].to_pylist()[0] for row in rows
    ]
    assert together["text"].to_pylist() == alone == [EUS, ENG, f"{RUS}\n"]


def test_a_stage_that_decides_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="decides nothing"):
        LanguagePurityConfig(max_other_share=1)


def test_the_answer_sums_to_its_input(cascade: Cascade) -> None:
    answer = language_purity(
        block((ENG, "eus", "Latn"), (EUS, "eus", "Latn")), cascade, LanguagePurityConfig()
    )
    assert isinstance(answer, FilteredAndChanged)
    assert (answer.kept.num_rows, answer.rejected.num_rows, answer.changes.num_rows) == (1, 1, 0)
