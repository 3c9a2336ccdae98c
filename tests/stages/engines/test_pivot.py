"""Two engines one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from stages.engines.engine import Answer, Identity, always
from stages.engines.pivot import Pivot


class Planted:
    """Answers by a function, and remembers what it was asked."""

    def __init__(self, name: str, placeholder: str, answer: Callable[[str], Answer]) -> None:
        self.identity, self.placeholder, self.answer = Identity(name, "m", "1"), placeholder, answer
        self.asked: list[str] = []

    def check(self) -> None: ...

    def close(self) -> None: ...

    def translate(
        self, sentences: Sequence[str], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, Answer]]:
        for place, sentence in reversed(list(enumerate(sentences))):
            self.asked.append(sentence)
            yield place, self.answer(sentence)


def first(sentence: str) -> Answer:
    if "hutsa" in sentence:
        return Answer(None, "no")
    return Answer(sentence.lower().replace("kaixo", "*hello"), None, 2, 3)


def test_the_second_engine_gets_what_the_first_says() -> None:
    one = Planted("one", "<{}>", first)
    two = Planted("two", "[[{}]]", lambda sentence: Answer(sentence.upper(), None, 5, 7))
    pivot = Pivot(one, two, "eng_Latn")
    found = dict(pivot.translate(["Kaixo <0> eta <1>", "hutsa", "KAIXO", "kaixo"]))
    assert [found[place].text for place in range(4)] == [
        "HELLO <0> ETA <1>",
        None,
        "HELLO",
        "HELLO",
    ]
    assert found[1].error == "no"
    assert sorted(two.asked) == ["hello", "hello [[0]] eta [[1]]"], (
        "marks are taken off; equal answers are asked once"
    )
    tokens = sum(answer.prompt_tokens + answer.completion_tokens for answer in found.values())
    assert tokens == 3 * (2 + 3) + 2 * (5 + 7), "each question is paid for once"


def test_its_identity_is_that_of_both() -> None:
    one, two = Planted("one", "<{}>", first), Planted("two", "<{}>", first)
    assert Pivot(one, two, "eng_Latn").identity != Pivot(two, one, "eng_Latn").identity
    assert Pivot(one, two, "eng_Latn").identity != Pivot(one, two, "spa_Latn").identity
    assert Pivot(one, two, "eng_Latn").identity.model == "one m > eng_Latn > two m"
