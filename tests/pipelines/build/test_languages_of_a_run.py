"""What a run with default settings calls texts that are hard to identify: never a language where
there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from tests.recipes import one_source
from tests.running import glotmill

EUS = "Gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu basoan zehar."
ENG = "This morning we went to the mountains with our friends and took a long walk through the forest."
SWA = "Jana tulienda sokoni kununua mkate, maziwa na mboga mbichi kwa ajili ya familia yote."
RUS = "Сегодня мы ходили на рынок и купили для дома свежий хлеб, овощи и фрукты."
URD = (
    "آج صبح ہم بازار گئے اور گھر کے لیے تازہ سبزیاں اور پھل خریدے، پھر ہم نے سب کے لیے کھانا پکایا۔"
)
PAKISTAN = "پاکستان کے وزیر اعظم نے کہا ہے کہ حکومت عوام کی فلاح کے لیے کام کرے گی۔"
CKB = "ئەمڕۆ بەیانی چووینە بازاڕ و سەوزە و میوەی تازەمان بۆ ماڵەوە کڕی، دواتر نانمان بۆ هەمووان ئامادە کرد."
SND = "اڄ صبح جو اسان بازار ويا سين ۽ گھر لاءِ تازيون ڀاڄيون ۽ ميوا خريد ڪيا سين، پوءِ سڀني لاءِ ماني تيار ڪئي سين."
UIG = "بۈگۈن ئەتىگەندە بىز بازارغا بېرىپ ئۆيگە يېڭى كۆكتات ۋە مېۋە سېتىۋالدۇق، ئاندىن ھەممەيلەنگە تاماق ئەتتۇق."
PERSIAN_LETTERS = str.maketrans(
    {"\u06cc": "\u064a", "\u06a9": "\u0643", "\u06c1": "\u0647", "\u06be": "\u0647"}
)
SINDHI_LETTERS = str.maketrans({"\u06aa": "\u0643", "\u06be": "\u0647"})
UYGHUR_LETTERS = str.maketrans({"\u06d5": "\u0647", "\u06be": "\u0647", "\u0649": "\u064a"})
NAMES = "Mikel Etxeberria, John Smith, Wanjiru Kamau, Anna Nowak, José García, Nguyen Van An, Li Wei, Fatima Ali"
CODE = "def main(args):\n    for i in range(10):\n        print(i)\n    return sys.exit(0)\n"

# The label that is published, by what the text is.
RIGHT = {
    "capitals": (EUS.upper(), "eus_Latn"),
    "capitals in Cyrillic": (RUS.upper(), "rus_Cyrl"),
    "no spaces": (EUS.lower().replace(" ", ""), "eus_Latn"),
    "spaced-out letters": (" ".join(ENG), "eng_Latn"),
    "spaced-out Basque": (" ".join(EUS), "eus_Latn"),
    "spaced-out Chinese": ("我 们 昨 天 去 市 场 买 了 新 鲜 的 蔬 菜 和 水 果", "zho_Hans"),
    "lyrics": ((SWA + "\n") * 1000, "swa_Latn"),
    "a megabyte in three languages": (
        "".join(f"{EUS}\n{SWA}\n{EUS}\n{ENG}\n" for _ in range(3000)),
        "eus_Latn",
    ),
    "Urdu with Arabic letters": (URD.translate(PERSIAN_LETTERS), "urd_Arab"),
    "Urdu": (URD, "urd_Arab"),
    "a sentence of Urdu with Arabic letters": (PAKISTAN.translate(PERSIAN_LETTERS), "urd_Arab"),
    "Arabic is no Urdu": (
        "أعلنت الحكومة اليوم عن خطة جديدة لدعم الأسر الفقيرة في البلاد.",
        "ara_Arab",
    ),
    "Sorani with Arabic letters": (CKB.translate(PERSIAN_LETTERS), "ckb_Arab"),
    "Sindhi with Arabic letters": (SND.translate(SINDHI_LETTERS), "snd_Arab"),
    "Uyghur with Arabic letters": (UIG.translate(UYGHUR_LETTERS), "uig_Arab"),
    "letters of two scripts in a word": ("Пpивeт вceм, this is нe тeкcт мирa hello", "rus_Cyrl"),
    "stray bytes of C1": (EUS.replace(" ", " \x93", 3).replace(".", "\x94."), "eus_Latn"),
}
# What gets no language: `und` where there are words of some language, `zxx` where there are none.
NONE = {
    "one word": ("agur", {"und"}),
    "names": (NAMES, {"und"}),
    "a list of names": (NAMES.replace(", ", "\n"), {"und"}),
    "code": (CODE * 20, {"und", "zxx"}),
    "numbers": ("12 345,67 89-01-02 +34 943 00 00 00\n" * 50, {"zxx"}),
    "keys": ("asdf ghjk qwer zxcv lkjh poiu asdkj qweoi zmxnc", {"und", "zxx"}),
    "a refrain without words": ("la la la, oh oh oh, na na na\n" * 1000, {"und", "zxx"}),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("languages")
    rows = [{"name": name, "text": text} for name, (text, _) in [*RIGHT.items(), *NONE.items()]]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "recipe.toml").write_text(
        one_source("hard", "texts", options='columns = { id = "name" }')
        + '[[ingest]]\nstage = "identify_language"\n[[ingest]]\nstage = "normalize"\n'
    )
    done = glotmill("run", "recipe.toml", "--output", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def documents(corpus: Path) -> dict[str, dict[str, object]]:
    table = ds.dataset(sorted(map(str, (corpus / "data").rglob("*.parquet")))).to_table()
    return {row["id"]: row for row in table.to_pylist()}


@pytest.mark.parametrize("name", RIGHT)
def test_language(documents: dict[str, dict[str, object]], name: str) -> None:
    row = documents[name]
    assert f"{row['language']}_{row['script']}" == RIGHT[name][1]


@pytest.mark.parametrize("name", NONE)
def test_no_language(documents: dict[str, dict[str, object]], name: str) -> None:
    assert documents[name]["language"] in NONE[name][1]


def test_repetition_is_no_evidence(documents: dict[str, dict[str, object]]) -> None:
    done = glotmill("lid", "predict", SWA)
    assert float(done.stdout.split("\t")[1]) == pytest.approx(
        documents["lyrics"]["language_score"], abs=0.01
    )


def test_a_mixed_document_says_how_mixed_it_is(documents: dict[str, dict[str, object]]) -> None:
    assert documents["a megabyte in three languages"]["other_language_share"] == pytest.approx(
        0.5, abs=0.1
    )


def test_neighbours_need_a_folder_for_packages(tmp_path: Path) -> None:
    done = glotmill(
        "lid", "train", "mine.parquet", "--output", "mine.ftz", "--with-neighbours", cwd=tmp_path
    )
    assert done.returncode == 2
    assert "--with-neighbours needs --cache, a folder for the packages" in done.stderr


def test_predict_takes_the_cascade_first() -> None:
    done = glotmill("lid", "predict", "--model", "x.ftz", "--model", "cascade", EUS)
    assert done.returncode == 2
    assert 'a list of models must be ["cascade", ...] and name what is added' in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_model_trained_alone_is_not_added_to_the_cascade(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": EUS}) + "\n", "utf-8")
    (tmp_path / "mine.ftz").write_bytes(b"no model")
    (tmp_path / "recipe.toml").write_text(
        one_source("basque", "texts")
        + '[[ingest]]\nstage = "identify_language"\nmodel = ["cascade", "mine.ftz"]\n'
    )
    done = glotmill("plan", "recipe.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.ftz is not a fastText model" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_card_names_labels_that_matched_nothing(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": f"{EUS} {EUS}"}) + "\n", "utf-8")
    (tmp_path / "recipe.toml").write_text(
        one_source("basque", "texts")
        + '[[ingest]]\nstage = "identify_language"\n[[ingest]]\nstage = "filter_language"\n'
        'keep = ["eus_Latn", "hau_Latn", "npi_Deva"]\n'
    )
    done = glotmill("run", "recipe.toml", "--output", "out", cwd=tmp_path)
    assert "keep names hau_Latn, and no published document has it" in done.stderr
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert r"No document was in hau\_Latn, npi\_Deva, which the recipe asks for." in card
    assert pq.read_table(tmp_path / "out/data/eus_Latn").num_rows == 1


@pytest.mark.parametrize(
    ("keep", "warned"),
    [
        ('"eus_Latn", "srp_Latn"', ["srp_Latn"]),
        ('"srp_Latn", "hbs_Latn"', []),
        ('"hrv_Latn"', []),
    ],
)
def test_a_plan_warns_of_labels_that_are_seldom_given(
    tmp_path: Path, keep: str, warned: list[str]
) -> None:
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": EUS}) + "\n", "utf-8")
    (tmp_path / "recipe.toml").write_text(
        one_source("balkans", "texts")
        + '[[ingest]]\nstage = "identify_language"\n[[ingest]]\nstage = "filter_language"\n'
        f"keep = [{keep}]\n"
    )
    done = glotmill("plan", "recipe.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for label in warned:
        assert f"identification gives {label} to " in said
        assert "hbs_Latn stands for all of the group" in said
    assert said.count("identification gives") == len(warned)
