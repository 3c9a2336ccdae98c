"""Apertium's pipes: real modes where they are installed, and planted ones that hang and die."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.engines.apertium import Apertium, commands_of, installed_modes, mode_for
from stages.engines.engine import EngineError, parse_direction, response_key
from tests.declaration import DECLARATION, plant_engine

needs_apertium = pytest.mark.skipif(
    not {("eus", "spa"), ("urd", "hin")} <= installed_modes().keys(),
    reason="Apertium is not installed; apt-get install apertium apertium-eu-es apertium-urd-hin",
)


def answers(engine: Apertium, *sentences: str) -> list[str | None]:
    found = dict(engine.translate(sentences))
    return [found[place].text for place in range(len(sentences))]


@needs_apertium
def test_a_pipe_stays_alive_and_keeps_stops_placeholders_and_order() -> None:
    engine = Apertium(parse_direction("eus_Latn -> spa_Latn"))
    first = answers(
        engine, "Kaixo mundu", "Kaixo mundu.", "", "3 liburu \u27e60\u27e7 eta [bat] 50%!"
    )
    assert first[:3] == ["Hola Mundo", "Hola Mundo.", ""]
    assert first[3] is not None
    assert all(part in first[3] for part in ("3 libros", "\u27e60\u27e7", "[", "]", "50%"))
    processes = [process.pid for process in engine._processes]
    many = answers(engine, *(f"{number} liburu." for number in range(600)))
    assert many[2:] == [f"{number} libros." for number in range(2, 600)]
    assert [process.pid for process in engine._processes] == processes
    engine.close()
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in processes)


@needs_apertium
def test_another_script() -> None:
    engine = Apertium(parse_direction("urd_Arab -> hin_Deva"))
    (answer,) = answers(engine, DECLARATION["urd_Arab"][1])
    assert answer is not None
    assert answer.endswith("\u0964")
    engine.close()


@pytest.mark.parametrize("kind", [pytest.param("hangs", marks=pytest.mark.slow), "dies"])
def test_only_the_sentence_at_fault_has_no_answer(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that dies writes two NUL bytes more, which would shift the answers behind it."""
    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path, kind, at="torturatu")))
    engine = Apertium(None, f"eus-spa-{kind}", timeout_seconds=3)
    basque, spanish = DECLARATION["eus_Latn"], DECLARATION["spa_Latn"]
    expected = [spanish[0], spanish[1], None, spanish[3]]
    assert answers(engine, *basque) == expected
    assert answers(engine, basque[3]) == [spanish[3]], "and it goes on"
    engine.close()


def test_a_mode_is_found_by_its_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("eu-es", "spa-eng_US", "spa-eng", "rus-ukr", "README", "x"):
        (tmp_path / f"{name}.mode").write_text("nowhere -z")
    monkeypatch.setenv("APERTIUM_MODES", str(tmp_path))
    assert mode_for(parse_direction("spa_Latn -> eng_Latn")) == "spa-eng"
    with pytest.raises(
        EngineError, match="rus-ukr for rus_Cyrl -> ukr_Cyrl is not usable: its tagger crashes"
    ):
        mode_for(parse_direction("rus_Cyrl -> ukr_Cyrl"))
    with pytest.raises(
        EngineError,
        match="installed are eus -> spa, rus -> ukr, spa -> eng; apt-get install apertium-isl-eng",
    ):
        mode_for(parse_direction("isl_Latn -> eng_Latn"))
    with pytest.raises(
        EngineError, match="mode eu-es needs the program nowhere; apt-get install apertium"
    ):
        commands_of("eu-es")


def test_a_key_depends_on_all_that_an_answer_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APERTIUM_MODES", str(plant_engine(tmp_path)))
    engine = Apertium(None, "eus-spa")
    there, back = parse_direction("eus_Latn -> spa_Latn"), parse_direction("spa_Latn -> eus_Latn")
    keys = {
        response_key(engine.identity, there, "bat"),
        response_key(engine.identity, there, "bi"),
        response_key(engine.identity, back, "bat"),
        response_key(engine.identity._replace(version="2"), there, "bat"),
        response_key(engine.identity._replace(parameters='{"a":1}'), there, "bat"),
    }
    assert len(keys) == 5
