"""Ethiopic script: the full stop typed as two word spaces, and the homophones of Amharic.

Source: Unicode Standard, section 19.1.
"""

from __future__ import annotations

from stages.normalization.rules import About, letter_rule, pattern_rule, written_in

# First letters of series that modern Amharic pronounces alike, with the series that stands for
# them, and their orders.
_HOMOPHONES = {
    chr(series + order): chr(kept + order)
    for series, kept, orders in (
        (0x1210, 0x1200, 7),  # hha
        (0x1280, 0x1200, 7),  # xa
        (0x12B8, 0x1200, 7),  # kxa
        (0x1220, 0x1230, 8),  # sza
        (0x12D0, 0x12A0, 7),  # pharyngeal a
        (0x1340, 0x1338, 7),  # tza
    )
    for order in range(orders)
}

RULES = (
    letter_rule(
        About(
            "ethiopic_full_stop",
            "Two word spaces become the full stop U+1362.",
            "Unicode Standard, section 19.1",
            written_in("Ethi", "amh", "tir"),
        ),
        {"\u1361\u1361": "\u1362"},
    ),
    pattern_rule(
        About(
            "ethiopic_colons",
            "Two ASCII colons after an Ethiopic letter become the full stop U+1362.",
            "Unicode Standard, section 19.1",
            written_in("Ethi", "amh", "tir"),
        ),
        r"([\p{Ethiopic}&&\p{L}])::",
        "${1}\u1362",
    ),
    letter_rule(
        About(
            "amharic_homophones",
            "Letters that Amharic pronounces alike become one; other languages tell them apart, and etymology is lost.",
            "Yacob 2004 (arXiv:cs/0408052)",
            written_in("amh"),
        ),
        _HOMOPHONES,
    )._replace(default=False),
)
