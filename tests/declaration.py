"""Articles 1, 3, 5 and 9 of the Universal Declaration of Human Rights, which tests translate, and a
planted engine."""

from __future__ import annotations

# ruff: noqa: E501 - sentences stand whole
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from stages.translation.sentences import cut_sentences

DECLARATION = {
    "eus_Latn": (
        "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela; eta ezaguera eta kontzientzia dutenez gero, elkarren artean senide legez jokatu beharra dute.",
        "Norbanako guztiek dute bizitzeko, aske izateko eta segurtasunerako eskubidea.",
        "Ezin daiteke inor torturatu, ezta inori zigor edo tratu txar, anker eta lotsarazlerik eman ere.",
        "Inor ezingo da arrazoirik gabe atxilotu, preso hartu edo erbesteratu.",
    ),
    "spa_Latn": (
        "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",
        "Todo individuo tiene derecho a la vida, a la libertad y a la seguridad de su persona.",
        "Nadie será sometido a torturas ni a penas o tratos crueles, inhumanos o degradantes.",
        "Nadie podrá ser arbitrariamente detenido, preso ni desterrado.",
    ),
    "glg_Latn": (
        "Tódolos seres humanos nacen libres e iguais en dignidade e dereitos e, dotados como están de razón e conciencia, díbense comportar fraternalmente uns cos outros.",
        "Todo individuo ten dereito á vida, á liberdade e á seguridade da súa persoa.",
        "Ninguín será sometido a torturas nin a penas ou tratos crueis, inhumanos e aldraxantes.",
        "Ninguín poderá ser arbitrariamente detido, preso nin desterrado.",
    ),
    "urd_Arab": (
        "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔",
        "ہر شخص کو اپنی جان، آزادی اور ذاتی تحفّظ کا حق ہے۔",
        "کسی شخص کو جسمانی اذیّت یا ظالمانہ، انسایت سوز، یا ذلیل سلوک یا سزا نہیں دی جائے گی۔",
        "کسی شخص کو محض حاکم کی مرضی پر گرفتار، نظربند، یا جلاوطن نہیں کیا جائے گا۔",
    ),
    "hin_Deva": (
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है ।",
        "प्रत्येक व्यक्ति को जीवन, स्वाधीनता और वैयक्तिक सुरक्षा का अधिकार है ।",
        "किसी को भी शारीरिक यातना न दी जाएगी और न किसी के भी प्रति निर्दय, अमानुषिक या अपमानजनक व्यवहार होगा ।",
        "किसी को भी मनमाने ढंग से गिरफ़्तार, नज़रबन्द या देश-निष्कासित न किया जाएगा ।",
    ),
    "isl_Latn": (
        "Hver maður er borinn frjáls og jafn öðrum að virðingu og réttindum. Menn eru gæddir vitsmunum og samvizku, og ber þeim að breyta bróðurlega hverjum við annan.",
        "Allir menn eiga rétt til lífs, frelsis og mannhelgi.",
        "Enginn maður skal sæta pyndingum, grimmilegri, ómannlegri eða vanvirðandi meðferð eða refsingu.",
        "Ekki má eftir geðþótta taka menn fasta, hneppa þá i fangelsi eða varðhald né gera útlæga.",
    ),
    "eng_Latn": (
        "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
        "Everyone has the right to life, liberty and the security of person.",
        "No one shall be subjected to torture or to cruel, inhuman or degrading treatment or punishment.",
        "No one shall be subjected to arbitrary arrest, detention or exile.",
    ),
    "afr_Latn": (
        "Alle menslike wesens word vry, met gelyke waardigheid en regte, gebore. Hulle het rede en gewete en behoort in die gees van broederskap teenoor mekaar op te tree.",
        "Elkeen het die reg tot lewe, vryheid en sekuriteit van persoon.",
        "Niemand sal gemartel word of aan wrede, onmenslike of vernederende behandeling of straf blootgestel word nie.",
        "Niemand sal aan arbitrêre arrestasie, aanhouding of bannelingskap onderworpe wees nie.",
    ),
    "nld_Latn": (
        "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen.",
        "Een ieder heeft het recht op leven, vrijheid en onschendbaarheid van zijn persoon.",
        "Niemand zal onderworpen worden aan folteringen, noch aan een wrede, onmenselijke of onterende behandeling of bestraffing.",
        "Niemand zal onderworpen worden aan willekeurige arrestatie, detentie of verbanning.",
    ),
}
DIRECTIONS = (
    ("eus_Latn", "spa_Latn"),
    ("spa_Latn", "glg_Latn"),
    ("urd_Arab", "hin_Deva"),
    ("isl_Latn", "eng_Latn"),
    ("afr_Latn", "nld_Latn"),
)
WRONG_LANGUAGE = (
    "Jedes Kind hat das Recht auf Bildung, und die Schule soll in den ersten Jahren unentgeltlich sein.",
    "Niemand darf willkürlich festgenommen, in Haft gehalten oder des Landes verwiesen werden, auch nicht im Krieg.",
    "Alle Menschen sind vor dem Gesetz gleich und haben ohne Unterschied Anspruch auf gleichen Schutz.",
    "Jeder hat das Recht, sich innerhalb eines Staates frei zu bewegen und seinen Aufenthaltsort frei zu wählen.",
)
# A mode of Apertium as far as a pipe can tell: it flushes at NUL, and answers from a table. What it
# gets wrong is in `plan.json` beside it, so that one program stands for all engines that are
# planted; it logs what it was asked.
_PROGRAM = r"""#!{python} -S
import json, os, re, sys, time
here = os.path.dirname(os.path.abspath(__file__))
plan = json.load(open(os.path.join(here, "plan.json")))
table, kind, wrong = plan["table"], plan["kind"], plan["wrong"]
blank = re.compile(r"\[([^\[\]]+)\]")

def close(good, more):
    return good[:-1].rstrip() + more + good[-1]

def answer(text, number):
    core = re.sub(r"\\(.)", r"\1", text[: -len("[]")])
    if re.match(r"A\. B\.$|A \[", core):  # to see if it answers at all, and what ends a batch
        return core
    bare = " ".join(blank.sub("", core).split())
    plain = re.sub(r" ?\([^)]*\)", "", bare)
    good = table.get(plain, plain)
    numbers = re.findall(r"\b[0-9]+\b", bare)
    kept = "".join(" [" + mask + "]" for mask in blank.findall(core)) + "".join(" " + n for n in numbers)
    more = " (" + kept + ")" if kept else ""
    if kind == "wrong_language":
        return close(wrong[number % len(wrong)], more)
    if kind == "copies":
        return text[: -len("[]")]
    if kind == "truncates":
        words = good.split()
        return " ".join(words[: max(1, len(words) // 2)]) + more
    if kind == "repeats":
        return close(" ".join(good.split()[:2] * 30) + ".", more)
    if kind == "drops_numbers":
        return re.sub("[0-9]+", "", close(good, more)) if numbers else good
    if kind == "drops_placeholders":
        return good
    if kind == "markup":
        return "<p>" + close(good, more) + "</p>"
    if kind == "moves":
        keys = list(table)
        return close(table[keys[keys.index(plain) - 1]], more) if plain in table else good
    if kind == "same":
        return close(table[sorted(table)[0]], more)
    if kind == "empty":
        return ""
    if kind == "lines":
        return close(good[: len(good) // 2] + "\n\n" + good[len(good) // 2 :], more)
    if kind == "unknown":
        return close(" ".join("*" + word for word in good.split()), more)
    if kind == "hangs" and plan["at"] in core:
        time.sleep(1000)
    if kind == "dies" and plan["at"] in core:
        os.write(1, b"\0\0")
        sys.exit(0)
    return close(good, more)

number, waiting = 0, b""
while chunk := os.read(0, 65536):
    *whole, waiting = (waiting + chunk).split(b"\0")
    for text in whole:
        with open(os.path.join(here, "asked.txt"), "a") as log:
            log.write(text.decode() + "\n")
        time.sleep(plan["seconds"])
        os.write(1, answer(text.decode(), number).encode() + b"[]\0")
        number += 1
"""


def sentence_table(source: str, target: str) -> dict[str, str]:
    """Pair the sentences of DECLARATION as they are cut."""
    table: dict[str, str] = {}
    for texts in zip(DECLARATION[source], DECLARATION[target], strict=True):
        ours, theirs = (
            cut_sentences(pa.array([text], pa.large_string()), 600)["text"].to_list()
            for text in texts
        )
        table |= {" ".join(one.split()): other for one, other in zip(ours, theirs, strict=True)}
    return table


def plant_engine(
    folder: Path,
    kind: str = "good",
    at: str = "",
    seconds: float = 0,
    directions: Sequence[tuple[str, str]] = DIRECTIONS,
) -> Path:
    """Write modes into a folder, to be named by APERTIUM_MODES, that answer from DECLARATION as
    `kind` says.

    The mode of a kind is called by it, as `eus-spa-copies`; a good one is the plain mode. `at` is
    what a sentence holds that the engine hangs or dies at, `seconds` how long each answer takes.
    """
    for source, target in directions:
        name = f"{source[:3]}-{target[:3]}" + ("" if kind == "good" else f"-{kind}")
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        program = own / "planted"
        program.write_text(_PROGRAM.replace("{python}", sys.executable), encoding="utf-8")
        program.chmod(0o755)
        plan = {"table": sentence_table(source, target), "kind": kind, "wrong": WRONG_LANGUAGE}
        (own / "plan.json").write_text(json.dumps(plan | {"at": at, "seconds": seconds}))
        (folder / f"{name}.mode").write_text(f"'{program}'")
    return folder


def asked(folder: Path) -> list[str]:
    """List the modes and sentences that planted engines were asked, in order by mode; not those that
    see if they answer."""
    logs = sorted(folder.glob("*/asked.txt"))
    return [
        f"{log.parent.name} {line}"
        for log in logs
        for line in log.read_text("utf-8").splitlines()
        if not re.match(r"A\. B\.|A \[", line)
    ]


def documents(language: str) -> list[str]:
    """Make documents of DECLARATION: paragraphs, blank lines, a bullet, an address and numbers."""
    first, second, third, fourth = DECLARATION[language]
    end = third.rstrip()[-1]
    marked = (
        f"{third.rstrip()[:-1].rstrip()} (https://example.org/{language}?a=1, 1.234,5, 25){end}"
    )
    return [
        f"{first}\n\n{second} {marked}\n- {fourth}\n***\n{second}",
        "\n".join((second, third, fourth)),
    ]
