"""Write the table of names that cards and commands call languages and scripts by, and of languages'
two-letter codes.

Names are those of the package gflanguages, which keeps a file for each of 1,800 languages; they
take half a second to parse. Codes are those of iso639-lang, a tenth of a second. The table is read
at once. After an update of a package: `python -m data_cards.write_language_names >
schemas/language_names.json`.
"""

from __future__ import annotations

import json
import re

from gflanguages import LoadLanguages, LoadScripts
from iso639 import iter_langs

from schemas.language import one_code, to_iso639_3


def names_json() -> str:
    """Return the table: `[name, autonym]` by `language_Script`, the names of scripts by ISO 15924
    code, and ISO 639-1.

    Members of a macrolanguage stand in for it where it has no entry. The first entry of a language
    and script is the plain one; others add a region or a variety.
    """
    found: dict[str, list[str]] = {}
    stand_ins: dict[str, list[str]] = {}
    for _, entry in sorted(LoadLanguages().items()):
        if code := to_iso639_3(entry.language):
            names = [
                entry.name,
                re.sub(r"\s*[(\uff08][^()\uff08\uff09]*[)\uff09]$", "", entry.autonym),
            ]
            found.setdefault(f"{code}_{entry.script}", names)
            stand_ins.setdefault(f"{one_code(code)}_{entry.script}", names)
    scripts = {code: script.name for code, script in sorted(LoadScripts().items())}
    codes = {language.pt3: language.pt1 for language in iter_langs() if language.pt1}
    lines = [
        ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in sorted(part.items())
        )
        for part in (stand_ins | found, scripts, codes)
    ]
    named = zip(("languages", "scripts", "two_letter_codes"), lines, strict=True)
    return "{\n" + ",\n".join(f' "{name}": {{\n{part}\n }}' for name, part in named) + "\n}\n"


if __name__ == "__main__":
    print(names_json(), end="")
