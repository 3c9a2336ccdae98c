"""Write the table of names that cards and commands call languages and scripts by, from the package gflanguages.

The package keeps a file for each of 1,800 languages, which take half a second to parse; the table is read at once.
After an update of the package: `python -m data_cards.language_names > schemas/language_names.json`.
"""

from __future__ import annotations

import json
import re

from gflanguages import LoadLanguages, LoadScripts

from schemas.language import one_code, to_iso639_3


def names_json() -> str:
    """Return the table: `[name, autonym]` by `language_Script`, and the names of scripts by ISO 15924 code.

    Members of a macrolanguage stand in for it where it has no entry. The first entry of a language and script is the
    plain one; others add a region or a variety.
    """
    found: dict[str, list[str]] = {}
    stand_ins: dict[str, list[str]] = {}
    for _, entry in sorted(LoadLanguages().items()):
        if code := to_iso639_3(entry.language):
            names = [entry.name, re.sub(r"\s*[(\uff08][^()\uff08\uff09]*[)\uff09]$", "", entry.autonym)]
            found.setdefault(f"{code}_{entry.script}", names)
            stand_ins.setdefault(f"{one_code(code)}_{entry.script}", names)
    scripts = {code: script.name for code, script in sorted(LoadScripts().items())}
    lines = [
        ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in sorted(part.items())
        )
        for part in (stand_ins | found, scripts)
    ]
    return f'{{\n "languages": {{\n{lines[0]}\n }},\n "scripts": {{\n{lines[1]}\n }}\n}}\n'


if __name__ == "__main__":
    print(names_json(), end="")
