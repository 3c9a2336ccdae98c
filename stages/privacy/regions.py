"""In which countries a language is spoken, by whose rules local phone numbers and national ids are
read."""

from __future__ import annotations

from functools import cache

from schemas.language import one_code, to_iso639_3
from schemas.written_languages import written_languages

# Of languages that are spoken in more countries than this, any number is a phone number somewhere.
MANY = 12
_MAIN = {
    "eng": ("US", "GB"),
    "fra": ("FR", "CA"),
    "spa": ("ES", "MX"),
    "ara": ("EG", "SA", "DZ", "MA"),
    "por": ("BR", "PT"),
    "rus": ("RU", "KZ"),
    "zho": ("CN", "TW"),
    "deu": ("DE", "AT", "CH"),
    "ita": ("IT", "CH"),
    "ful": ("GN", "SN", "NG", "ML", "CM"),
}


@cache
def regions_of(language: str) -> tuple[str, ...]:
    """Return ISO 3166 codes of the countries of an ISO 639-3 language, as gflanguages lists them;
    few for large ones.

    >>> regions_of("eus"), regions_of("yor"), regions_of("und")
    (('ES', 'FR'), ('BJ', 'NG'), ())
    """
    return _regions().get(one_code(language), ())


@cache
def _regions() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for entry in written_languages():
        own = found.setdefault(one_code(to_iso639_3(entry.language) or entry.language), {})
        own |= dict.fromkeys(region for region in entry.regions if len(region) == 2)
    listed = {language: tuple(sorted(own)) for language, own in found.items() if len(own) <= MANY}
    return listed | _MAIN
