"""Fields of gflanguages read from lines, against the package's own reader of messages."""

import gflanguages

from schemas.written_languages import WrittenLanguage, written_languages


def test_fields_are_those_of_the_packages_own_reader() -> None:
    assert list(written_languages()) == sorted(
        WrittenLanguage(
            one.id,
            one.language,
            one.script,
            one.population,
            tuple(one.region),
            bool(one.exemplar_chars.base),
        )
        for one in gflanguages.LoadLanguages().values()
    )
    assert len(written_languages()) > 700
