"""Measure how much planted personal data is found in ten scripts, and how much that is none is
taken for it.

    python -m tests.benchmarks.personal_data

Each kind of data stands in a sentence of each script, alone, twice, and beside other numbers (a
count, a year, a time), with ASCII digits and, for phone numbers and payment cards, in the digits of
the script. Between them stand numbers that are none: dates, sums, coordinates, versions, private
addresses, wrong check digits. Recall is of planted data that was found from its first to its last
code point; precision of all that was found. Prints a table and one JSON object.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator

from stages.privacy.detectors import find
from stages.privacy.options import KINDS
from stages.privacy.phone_forms import is_sum
from stages.privacy.regions import regions_of
from tests.stages.privacy.privacy_samples import LOCAL, NATIVE, NONE, PLANTED, SENTENCES, native

BESIDE = ("{}", "{} {}", "{} 3", "{} 2024", "7 {}", "{} 10:00", "{}, 12")


def cases() -> Iterator[tuple[str, str, str, str]]:
    """Yield label, kind (empty for numbers that are none), data and the text around it."""
    for label, sentence in SENTENCES.items():
        planted = [(kind, data) for kind, some in PLANTED.items() for data in some] + LOCAL.get(
            label, []
        )
        if zero := NATIVE.get(label):
            planted += [
                (kind, native(data, zero))
                for kind, data in planted
                if kind in ("phone", "payment_card")
            ]
        for kind, data in planted:
            for beside in BESIDE:
                if is_sum(beside.replace("{}", data)):
                    continue  # a count before three groups of three: a sum in four groups
                yield label, kind, data, sentence.format(f" {beside.replace('{}', data)} ")
        for data in NONE + [native(text, NATIVE[label]) for text in NONE if label in NATIVE]:
            yield label, "", data, sentence.format(f" {data} ")


def _always(regions: tuple[str, ...]) -> Callable[[int], tuple[str, ...]]:
    return lambda _: regions


def main() -> None:
    planted, hit, told = Counter[str](), Counter[str](), Counter[str]()
    wrong = Counter[str]()
    for label, kind, data, text in cases():
        regions = regions_of(label[:3])
        places = [place for place in range(len(text)) if kind and text.startswith(data, place)]
        wanted = {(kind, place, place + len(data)) for place in places}
        found = {(one.kind, one.start, one.end) for one in find(text, KINDS, _always(regions))}
        for key in (label, f"kind {kind}" if kind else "none"):
            planted[key] += len(wanted)
            hit[key] += len(wanted & found)
            told[key] += len(found)
            wrong[key] += len(found - wanted)
    print("| | planted | recall | found | precision |\n| --- | --- | --- | --- | --- |")
    record = {}
    for key in planted:
        recall = hit[key] / max(planted[key], 1)
        precision = 1 - wrong[key] / max(told[key], 1)
        record[key] = {
            "planted": planted[key],
            "recall": round(recall, 4),
            "precision": round(precision, 4),
        }
        print(f"| {key} | {planted[key]} | {recall:.1%} | {told[key]} | {precision:.1%} |")
    print(json.dumps(record))


if __name__ == "__main__":
    main()
