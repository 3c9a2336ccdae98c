"""Look at each row for what models get wrong, and say why it is rejected, if it is.

Rows are few next to what asking for them costs, so most gates look at one row at a time; languages
are identified for many rows at once. The first gate of the order below that a row fails is its
reason.

| reason | what was wrong |
| --- | --- |
| no_output, cut_off, invalid_json, engine_failed | of an answer: see `strategy.read_reply` |
| empty_field, too_long | a text is missing, or longer than such a text can be |
| refusal | the model speaks of itself, or says that it will not |
| prompt_leaked | a text holds words of the prompt or marks of a chat |
| instruction_followed | a text is what an instruction inside the document asked for |
| repetition | a text goes round in a circle |
| answer_not_in_context, answered_by_question, not_a_question, copied_context | of questions |
| choices_alike, answer_out_of_range | of choices, of what is preferred, of claims |
| wrong_script, wrong_language | a text is in another one than it should be |
| inconsistent | the generator, asked again, answers otherwise |
| judge_rejected, judge_failed | the rubric's score is too low, or there is none |
| contaminated, near_duplicate | the row holds evaluation text, or repeats an earlier one; found by the phase |
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.language import UNDETERMINED, LanguageScript, one_code, parse_label
from schemas.language_groups import group_of
from stages.keys import mix64
from stages.script_detection import detect_scripts
from stages.synthesis.matching import find_span, folded
from stages.synthesis.options import SynthesisGates
from stages.synthesis.passages import Passage
from stages.synthesis.prompt_files import data_tag
from stages.synthesis.strategy import Rejection, Row

# n texts to language, language_group, language_score, runner_up_language
Identify = Callable[[pa.Array], pa.RecordBatch]

_HAN = frozenset({"Hani", "Hans", "Hant", "Jpan"})
_SYLLABLES = _HAN | {"Kore", "Hang", "Ethi", "Cans", "Cher", "Vaii", "Yiii"}  # or words, by letter
_LEAKED_LETTERS = 30  # a run of so many letters and digits of a prompt is no chance
_FIELD = re.compile(r"`(\w+)`|\"(\w+)\":")  # how prompts name what they want filled in
_TAG = re.compile("(?=.*[a-f])[0-9a-f]{8}")  # of a mark around data


def _patterns(name: str) -> re.Pattern[str]:
    listed = tomllib.loads(
        resources.files("stages.synthesis").joinpath("patterns.toml").read_text(encoding="utf-8")
    )
    return re.compile("|".join(listed[name]), re.IGNORECASE | re.MULTILINE)


_CHAT_MARKS, _REFUSALS, _INJECTIONS = map(_patterns, ("chat_marks", "refusals", "injections"))
# Question marks by script; scripts that are not here write questions without one.
_QUESTION_MARKS = {
    **dict.fromkeys(
        (
            "Latn",
            "Cyrl",
            "Hebr",
            "Deva",
            "Beng",
            "Guru",
            "Gujr",
            "Taml",
            "Telu",
            "Knda",
            "Mlym",
            "Sinh",
        ),
        "?",
    ),
    **dict.fromkeys(("Geor", "Cans", "Cher", "Orya", "Olck"), "?"),
    "Grek": ";?\u037e",
    "Armn": "\u055e?",
    "Arab": "\u061f?",
    "Thaa": "\u061f?",
    "Syrc": "\u061f?",
    "Ethi": "?\u1367",
    **dict.fromkeys(_HAN, "?\uff1f"),
    "Kore": "?\uff1f",
    "Hang": "?\uff1f",
}
_NO_MARK = {"Jpan", "Hani"}  # a Japanese question may end in its particle alone
_WORD = re.compile(r"\w+")
# of a turn from which on it is found text where it stands in the passage, and no chance
_FOUND_CODE_POINTS = 60


class Candidate(NamedTuple):
    """A row with what it was made from."""

    row: Row
    passage: Passage

    @property
    def label(self) -> str:
        return self.row.label or self.passage.label


def written_texts(candidate: Candidate) -> dict[str, tuple[str, str]]:
    """Name the texts of a row that a model or a template wrote, with the label each should have.

    A turn of a conversation that stands in the passage word for word is found text, and is not
    judged.
    """
    values = candidate.row.values
    texts: dict[str, str] = {}
    match candidate.row.configuration:
        case "question_answer":
            texts["question"] = values["question"]
        case "retrieval":
            texts["query"] = values["query"]
            texts |= {f"negatives[{n}]": text for n, text in enumerate(values["negatives"])}
        case "conversation":
            texts |= _turns("messages", values["messages"])
        case "multiple_choice":
            texts["question"] = values["question"]
            texts |= {f"choices[{n}]": text for n, text in enumerate(values["choices"])}
        case "preference":
            texts |= _turns("prompt", values["prompt"]) | _turns("chosen", values["chosen"])
            if "rejected" in candidate.row.labels:  # else anything may be wrong with it
                texts |= _turns("rejected", values["rejected"])
        case "claim":
            texts["claim"] = values["claim"]
        case "text":
            texts["text"] = values["text"]
    labels, found = candidate.row.labels, candidate.passage.text
    return {
        name: (text, labels.get(name) or labels.get(name.partition("[")[0]) or candidate.label)
        for name, text in texts.items()
        if "[" not in name
        or name.startswith(("choices", "negatives"))
        or not _is_found(text, found)
    }


def _is_found(text: str, passage: str) -> bool:
    return len(text) >= _FOUND_CODE_POINTS and text.strip() != "" and text.strip() in passage


def _turns(name: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {
        f"{name}[{n}]": turn["content"] or ""
        for n, turn in enumerate(messages)
        if turn["role"] in ("user", "assistant")
        and not (turn.get("tool_calls") and not turn["content"])
    }


def judge_row(
    candidate: Candidate, own_words: OwnWords, gates: SynthesisGates, more: Sequence[str]
) -> Rejection | None:
    """Put a row through all gates but those of language, agreement and rubric; `more` names those a
    strategy adds."""
    texts = written_texts(candidate)
    steps = [
        *_GATES,
        *_OF_CONFIGURATION.get(candidate.row.configuration, ()),
        *(OPTIONAL_GATES[name] for name in more),
    ]
    for gate in steps:
        if rejection := gate(candidate, texts, own_words, gates):
            return rejection
    return None


class OwnWords:
    """What prompts say, by which a leak is found: runs of letters, names of fields, short texts
    whole."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._runs = {run for text in texts for run in _runs(text)}
        self._whole = {_letters(text) for text in texts} | {
            name for text in texts for names in _FIELD.findall(text) for name in names
        }

    def leaked_into(self, text: str, passage: str) -> str | None:
        """Return what of a text stands in a prompt and not in the passage; None if nothing
        does."""
        whole = _letters(text)
        if whole in self._whole and whole not in _letters(passage):
            return text[:200]
        hits = [run for run in _runs(text) if run in self._runs]
        found = set(_runs(passage)) if hits else set()
        return next((run for run in hits if run not in found), None)


def _runs(text: str) -> list[str]:
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    return [letters[at : at + _LEAKED_LETTERS] for at in range(len(letters) - _LEAKED_LETTERS + 1)]


Texts = Mapping[str, tuple[str, str]]
Gate = Callable[[Candidate, Texts, OwnWords, SynthesisGates], Rejection | None]


def _empty(candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates) -> Rejection | None:
    for name, (text, _label) in texts.items():
        if not any(letter.isalnum() for letter in text or ""):
            return Rejection("empty_field", name)
    return None


def _too_long(
    candidate: Candidate, texts: Texts, _: OwnWords, gates: SynthesisGates
) -> Rejection | None:
    for name, (text, _label) in texts.items():
        most = (
            gates.max_question_code_points
            if name in ("question", "query", "claim")
            else gates.max_code_points
        )
        if len(text) > most:
            return Rejection("too_long", name, float(len(text)), float(most))
    return None


def _refusal(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    for name, text in _with_tools(candidate, texts).items():
        found = _REFUSALS.search(text)
        if found and found[0] not in candidate.passage.text:
            return Rejection("refusal", f"{name}: {found[0]}")
    return None


def _leak(candidate: Candidate, texts: Texts, own: OwnWords, _: SynthesisGates) -> Rejection | None:
    tag = data_tag(candidate.passage.text)
    for name, text in _with_tools(candidate, texts).items():
        mark = _CHAT_MARKS.search(text)
        if mark and mark[0] not in candidate.passage.text:
            return Rejection("prompt_leaked", f"{name}: {mark[0]}")
        if tag in text or _TAG.fullmatch(text.strip()):
            return Rejection("prompt_leaked", f"{name}: the mark of a text")
        if run := own.leaked_into(text, candidate.passage.text):
            return Rejection("prompt_leaked", f"{name}: {run}")
    return None


def _with_tools(candidate: Candidate, texts: Texts) -> dict[str, str]:
    """Add what functions gave back, which is in no language."""
    own = {name: text for name, (text, _label) in texts.items()}
    for place, turn in enumerate(candidate.row.values.get("messages") or ()):
        if turn["role"] == "tool":
            own[f"messages[{place}]"] = turn["content"]
    return own


def _injected(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    """Reject what stands in a line of the document that speaks to a model: such a line is no source
    of facts."""
    lines = [
        folded(line)[0] for line in candidate.passage.text.split("\n") if _INJECTIONS.search(line)
    ]
    if not lines:
        return None
    answers = candidate.row.values.get("answers")
    own = _with_tools(candidate, texts)
    if answers:
        own |= {f"answers[{n}]": text for n, text in enumerate(answers["text"])}
    rest = folded(
        "\n".join(
            line for line in candidate.passage.text.split("\n") if not _INJECTIONS.search(line)
        )
    )[0]
    for name, text in own.items():
        small = folded(text)[0].strip(" .!?\"'")
        words = _WORD.findall(small)
        inside = [word for word in words if any(word in line for line in lines)]
        outside = [word for word in words if word in rest]
        if (small and any(small in line for line in lines) and small not in rest) or (
            words and len(inside) > max(0.7 * len(words), len(outside))
        ):
            return Rejection("instruction_followed", name)
    return None


def _repetition(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    for name, (text, _label) in texts.items():
        if _LOOP.search(text) and not _LOOP.search(candidate.passage.text):
            return Rejection("repetition", name)
        words = text.split()
        if len(words) >= 40 and len(set(words)) < 0.2 * len(words):
            return Rejection("repetition", name, len(set(words)) / len(words), 0.2)
    return None


def _turns_alike(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    """Reject a conversation in which something is asked twice, or a question is its answer. Two
    answers may be alike: a name is the same in the pivot language."""
    asked: set[str] = set()
    for place, turn in enumerate(candidate.row.values["messages"]):
        said = _letters(turn["content"] or "")
        if f"messages[{place}]" in texts and said in asked:
            return Rejection("repetition", f"messages[{place}]")
        if turn["role"] == "user":
            asked.add(said)
    return None


def _preferred_alike(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    answers = [
        _letters("\n".join(str(turn["content"]) for turn in candidate.row.values[name]))
        for name in ("prompt", "chosen", "rejected")
    ]
    if len(set(answers)) < len(answers):
        return Rejection("choices_alike", "two of prompt, chosen and rejected")
    return None


_LOOP = re.compile(r"(.{6,80}?)\1{3,}|([^\W\d_]{1,5}?)\2{11,}", re.DOTALL)


def _wrong_script(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    names = [
        name
        for name in texts
        if not (name.startswith("choices") and texts[name][0] in candidate.passage.text)
    ]
    if not names:
        return None
    found = detect_scripts(
        pa.array([texts[name][0] for name in names], pa.large_string())
    ).to_pylist()
    for name, script in zip(names, found, strict=True):
        wanted = parse_label(texts[name][1]).script
        meant = _HAN if wanted in _HAN else {wanted, "Hang"} if wanted == "Kore" else {wanted}
        if script not in meant and script != "Zyyy":
            return Rejection("wrong_script", f"{name}: {script}")
    return None


def _answer_in_context(
    candidate: Candidate, _: Texts, __: OwnWords, gates: SynthesisGates
) -> Rejection | None:
    values = candidate.row.values
    context, answers = values["context"], values["answers"]
    if not answers["text"]:
        return Rejection("answer_not_in_context", "no answer")
    for text, start in zip(answers["text"], answers["answer_start"], strict=True):
        if (
            not any(letter.isalnum() for letter in text)
            or context[start : start + len(text)] != text
            or start < 0
        ):
            return Rejection("answer_not_in_context", text[:200])
        if len(text) > gates.max_answer_share * len(context):
            return Rejection("too_long", "answer", len(text) / len(context), gates.max_answer_share)
    if context not in candidate.passage.text:
        return Rejection("answer_not_in_context", "the context is not the passage")
    return None


def _answered_by_question(
    candidate: Candidate, _: Texts, __: OwnWords, ___: SynthesisGates
) -> Rejection | None:
    values = candidate.row.values
    question = folded(values["question"])[0]
    right = (
        values["answers"]["text"] if "answers" in values else [values["choices"][values["answer"]]]
    )
    for text in right:
        small = folded(text)[0].strip()
        if len(small) > 1 and re.search(rf"(?<!\w){re.escape(small)}", question):
            return Rejection("answered_by_question", text[:200])
    return None


def _is_question(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    question, label = texts["question"]
    script = parse_label(label).script
    marks = _QUESTION_MARKS.get(script)
    letters = sum(unicodedata.category(letter)[0] in "LM" for letter in question)
    if letters < (4 if script in _HAN or marks is None else 8):
        return Rejection("not_a_question", question[:200])
    if marks and script not in _NO_MARK and not any(mark in question for mark in marks):
        return Rejection("not_a_question", question[:200])
    return None


def _copied(
    candidate: Candidate, texts: Texts, _: OwnWords, gates: SynthesisGates
) -> Rejection | None:
    """Reject a question that is a sentence of the context, by its runs of 8 letters."""
    for name in ("question", "query"):
        if name not in texts:
            continue
        share = _shared(_letters(texts[name][0]), _letters(candidate.passage.text), 8)
        if share > gates.max_copied_share:
            return Rejection("copied_context", name, share, gates.max_copied_share)
    return None


def _letters(text: str) -> str:
    return "".join(letter for letter in folded(text)[0] if letter.isalnum())


def _choices(candidate: Candidate, _: Texts, __: OwnWords, ___: SynthesisGates) -> Rejection | None:
    values = candidate.row.values
    small = [folded(choice)[0].strip(" .") for choice in values["choices"]]
    if len(small) < 2 or len(set(small)) < len(small):
        return Rejection("choices_alike", " | ".join(values["choices"])[:200])
    if not 0 <= values["answer"] < len(small):
        return Rejection("answer_out_of_range", str(values["answer"]))
    return None


def _numbers_kept(
    candidate: Candidate, texts: Texts, _: OwnWords, __: SynthesisGates
) -> Rejection | None:
    """Reject a text with a number that the passage has not; a claim that is not said to be
    supported may have one."""
    if candidate.row.values.get("label", "supported") != "supported":
        return None
    known = set(re.findall(r"[0-9]+", folded(candidate.passage.text)[0]))
    for name, (text, _label) in texts.items():
        for number in re.findall(r"[0-9]{2,}", folded(text)[0]):
            if number not in known:
                return Rejection("number_added", f"{name}: {number}")
    return None


def _not_copied(
    candidate: Candidate, texts: Texts, _: OwnWords, gates: SynthesisGates
) -> Rejection | None:
    """Reject a text that is its passage over again, by its runs of 12 letters."""
    found = _letters(candidate.passage.text)
    for name, (text, _label) in texts.items():
        share = _shared(_letters(text), found, 12)
        if share > gates.max_copied_share:
            return Rejection("copied_context", name, share, gates.max_copied_share)
    return None


def _own_instruction(
    candidate: Candidate, texts: Texts, _: OwnWords, gates: SynthesisGates
) -> Rejection | None:
    """Reject what is asked for if it is too short to ask anything, or is its passage over again."""
    names = ("messages[0]", "prompt[0]", "query", "claim")
    name = next((name for name in names if name in texts), None)
    if name is None:  # found text, where something should be asked
        return Rejection("copied_context", "what is asked")
    text, label = texts[name]
    letters = _letters(text)
    script = parse_label(label).script
    least = 2 if script in _HAN else 4 if script in _SYLLABLES else 8
    if len(letters) < least:
        return Rejection("too_short", f"{name}: {text}"[:200], float(len(letters)), float(least))
    share = _shared(letters, _letters(candidate.passage.text), 8)
    if share > gates.max_copied_share and name != "claim":
        return Rejection("copied_context", name, share, gates.max_copied_share)
    return None


def _grounded(
    candidate: Candidate, texts: Texts, _: OwnWords, gates: SynthesisGates
) -> Rejection | None:
    """Reject an answer in the passage's language that shares nearly no run of letters with it."""
    said = [
        _letters(text)
        for name, (text, label) in texts.items()
        if label == candidate.passage.label
        and name not in ("messages[0]", "prompt[0]")
        and not name.startswith("rejected")
    ]
    size = 2 if parse_label(candidate.passage.label).script in _SYLLABLES else 4
    found, answer = _letters(candidate.passage.text), "".join(said)
    share = _shared(answer, found, min(size, len(answer)))
    if said and share < gates.min_grounded_share:
        return Rejection("answer_not_in_context", "answer", share, gates.min_grounded_share)
    return None


def _facts_kept(
    candidate: Candidate, texts: Texts, _: OwnWords, gates: SynthesisGates
) -> Rejection | None:
    """Reject a text that lost most of the passage's numbers, or of its names: words with a capital
    letter that does not begin a sentence, by their first four letters."""
    passage = candidate.passage.text
    written = "\n".join(text for text, _label in texts.values())
    own = _letters(written)
    numbers = set(re.findall(r"[0-9]{2,}", folded(passage)[0]))
    names = {_letters(word)[:4] for word in _WORD_INSIDE.findall(passage) if _is_name(word)}
    if parse_label(candidate.passage.label).language in _NOUNS_HAVE_CAPITALS:
        names = set()
    for reason, facts in (("number_lost", numbers), ("name_lost", names)):
        kept = [fact for fact in sorted(facts) if fact in own]
        if len(facts) > 1 and len(kept) < gates.min_facts_share * len(facts):
            lost = ", ".join(sorted(facts - set(kept)))[:200]
            return Rejection(reason, lost, len(kept) / len(facts), gates.min_facts_share)
    return None


_WORD_INSIDE = re.compile(r"(?<=[\w,;] )[^\W\d_]{4,}")  # a sentence
# German and its neighbours write all nouns so: capitals tell no names
_NOUNS_HAVE_CAPITALS = frozenset({"bar", "deu", "gsw", "ksh", "ltz", "nds", "pfl", "stq", "wae"})


def _is_name(word: str) -> bool:
    return word[0].isupper() and not word.isupper()


def _shared(letters: str, found: str, size: int) -> float:
    """Return the share of the runs of letters that another text has."""
    known = {found[at : at + size] for at in range(len(found) - size + 1)}
    runs = [letters[at : at + size] for at in range(len(letters) - size + 1)]
    return sum(run in known for run in runs) / len(runs) if runs else 0.0


_GATES: tuple[Gate, ...] = (
    _empty,
    _too_long,
    _refusal,
    _leak,
    _injected,
    _repetition,
    _wrong_script,
)
_OF_CONFIGURATION: Mapping[str, tuple[Gate, ...]] = {
    "question_answer": (_answer_in_context, _is_question, _answered_by_question, _copied),
    "retrieval": (_copied,),
    "multiple_choice": (_choices, _is_question, _answered_by_question, _copied),
    "conversation": (_turns_alike,),
    "preference": (_preferred_alike,),
}
OPTIONAL_GATES: Mapping[str, Gate] = {
    "numbers_kept": _numbers_kept,
    "not_copied": _not_copied,
    "own_instruction": _own_instruction,
    "grounded": _grounded,
    "facts_kept": _facts_kept,
}


# Of the benchmark's questions in 339 languages, 19 of 20 in another language than their passage
# share at most 0.3 of their runs of 3 letters with it, and 19 of 20 in its own at least 0.28.
_FEW_SHARED_RUNS, _MANY_SHARED_RUNS = 0.2, 0.35
_PASSAGE_RUNS = 80  # distinct runs from which on a passage tells
_DOUBTFUL, _SURE = 0.6, 0.8  # scores of identification
_FEW_LETTERS = 14  # of a question, in which a language of a sure score is looked at


class _Text(NamedTuple):
    """A text whose language is looked at; `row` is the name of all that a row has in it."""

    place: int
    name: str
    label: str
    text: str
    letters: int


def judge_languages(
    candidates: Sequence[Candidate], gates: SynthesisGates, identify: Identify | None
) -> list[Rejection | None]:
    """Say of n rows whether what was written is in another language than it should be.

    The texts of a row that should be in one language are looked at together, as a question alone is
    short; each text that is long enough by itself is looked at alone as well. A shorter question
    counts where identification is sure. Where it is in doubt, the passage decides by the runs of
    letters that both share.
    """
    answers: list[Rejection | None] = [None] * len(candidates)
    if identify is None:
        return answers
    asked: list[_Text] = []
    for place, candidate in enumerate(candidates):
        together: dict[str, list[str]] = {}
        for name, (text, label) in written_texts(candidate).items():
            together.setdefault(label, []).append(text)
            asked.append(_text_of(place, name, label, text))
        asked += [
            _text_of(place, "row", label, "\n".join(texts))
            for label, texts in together.items()
            if len(texts) > 1
        ]
    asked = [one for one in asked if one.letters >= _least_letters(one.name, gates)]
    if not asked:
        return answers
    found = identify(pa.array([one.text for one in asked], pa.large_string())).select(
        ["language", "language_group", "language_score", "runner_up_language"]
    )
    for one, row in zip(asked, found.to_pylist(), strict=True):
        if answers[one.place] is None and (
            other := _other_language(one, row, candidates[one.place].passage, gates)
        ):
            answers[one.place] = Rejection("wrong_language", f"{one.name}: {other}")
    return answers


def _text_of(place: int, name: str, label: str, text: str) -> _Text:
    return _Text(place, name, label, text, sum(letter.isalpha() for letter in text))


def _least_letters(name: str, gates: SynthesisGates) -> int:
    # what is asked is a sentence; an answer of so few letters may be a name
    asks = name in ("question", "query", "claim", "messages[0]", "prompt[0]")
    return min(_FEW_LETTERS, gates.min_language_letters) if asks else gates.min_language_letters


def _other_language(
    text: _Text, found: Mapping[str, Any], passage: Passage, gates: SynthesisGates
) -> str | None:
    """Name the language that a text is in where that is not the one it should be in; None
    otherwise."""
    wanted, language, score = parse_label(text.label), found["language"], found["language_score"]
    shared = _shared_runs(text.text, passage.text) if text.label == passage.label else None
    if language in (None, "und", "zxx"):
        best = (found["runner_up_language"] or UNDETERMINED)[:3]
        if (
            text.letters < gates.min_language_letters
            or language == "zxx"
            or shared is None
            or wanted.script in _HAN
            or best == UNDETERMINED
            or not _is_other(best, group_of(f"{best}_{wanted.script}"), wanted)
        ):
            return None
        return f"{best}?" if shared < _FEW_SHARED_RUNS else None
    if not _is_other(language, found["language_group"], wanted):
        return None
    if text.letters < gates.min_language_letters and score < _SURE:
        return None
    if score < _DOUBTFUL and shared is not None and shared >= _MANY_SHARED_RUNS:
        return None
    return str(language)


def _shared_runs(text: str, passage: str) -> float | None:
    """Return the share of a text's runs of 3 letters that its passage has, words with a capital
    letter aside; None where either is too short to tell."""
    known = set(_runs_of_words(passage))
    own = _runs_of_words(" ".join(word for word in text.split() if not word[:1].isupper()))
    if len(known) < _PASSAGE_RUNS or not own:
        return None
    return sum(run in known for run in own) / len(own)


def _runs_of_words(text: str) -> list[str]:
    words = f" {' '.join(_WORD.findall(folded(text)[0]))} "
    return [words[at : at + 3] for at in range(len(words) - 2)]


def _is_other(language: str | None, group: str | None, wanted: LanguageScript) -> bool:
    target = one_code(wanted.language)
    if one_code(language or "") == target:
        return False
    own = group_of(str(wanted._replace(language=target)))
    return own is None or group != own


def question_of(candidate: Candidate) -> str:
    """Return the text by which a row repeats another: its question, query or claim, its first turn,
    its text."""
    values = candidate.row.values
    if candidate.row.likeness is not None:
        return candidate.row.likeness
    for name in ("question", "query", "claim", "text"):
        if name in values:
            return str(values[name])
    turns = values.get("messages") or values.get("prompt") or ()
    return "\n".join(str(turn["content"]) for turn in turns if turn["role"] == "user")


BANDS, ROWS = 16, 4  # two texts with Jaccard 0.8 meet with probability 0.9998, with 0.5 with 0.64
_SEEDS = mix64(np.arange(1, BANDS * ROWS + 1, dtype=np.uint64))


def signature(text: str) -> npt.NDArray[np.uint64]:
    """Return the MinHash signature (Broder 1997) of a text's runs of 4 code points, folded; BANDS *
    ROWS numbers."""
    letters = np.frombuffer(_letters(text).encode("utf-32-le"), np.uint32).astype(np.uint64)
    if len(letters) < 4:
        letters = np.concatenate([letters, np.zeros(4 - len(letters), np.uint64)])
    windows = np.lib.stride_tricks.sliding_window_view(letters, 4)
    shingles = np.unique(mix64(windows @ (np.uint64(1) << np.arange(0, 63, 16, dtype=np.uint64))))
    least: npt.NDArray[np.uint64] = mix64(shingles[:, None] ^ _SEEDS[None, :]).min(axis=0)
    return least


def repeated(
    signatures: Iterator[npt.NDArray[np.uint64] | None], max_similarities: Iterator[float]
) -> Iterator[int | None]:
    """Say of each text in order which earlier one, that repeats none itself, it is like; None if it
    is new.

    A text without a signature repeats none.
    """
    seen: list[npt.NDArray[np.uint64]] = []
    numbers: list[int] = []
    bands: dict[tuple[int, bytes], list[int]] = {}
    for number, (own, max_similarity) in enumerate(zip(signatures, max_similarities, strict=True)):
        if own is None:
            yield None
            continue
        keys = [(band, own[band * ROWS : (band + 1) * ROWS].tobytes()) for band in range(BANDS)]
        near = dict.fromkeys(place for key in keys for place in bands.get(key, ())[:8])
        like = next((p for p in near if np.mean(seen[p] == own) >= max_similarity), None)
        if like is None:
            for key in keys:
                bands.setdefault(key, []).append(len(seen))
            seen.append(own)
            numbers.append(number)
        yield None if like is None else numbers[like]


def span_answer(answer: str, context: str) -> dict[str, list[Any]] | None:
    """Write an answer as SQuAD does: the span of the context and where it begins; None if it is not
    there."""
    span = find_span(answer, context)
    return None if span is None else {"text": [span.text], "answer_start": [span.start]}
