"""Letters of other scripts that a reader cannot tell from those of Latin, Cyrillic, Greek and
Armenian.

Each table maps letters that look alike to those of the script that it is named after. What a
language's own alphabet adds (`\u0456` in Ukrainian) is with the rules that know the language.

Source: UTS #39, confusables.txt, of which only pairs are taken that a reader cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping


def _pairs(letters: str, replacements: str) -> dict[str, str]:
    return dict(zip(letters, replacements, strict=True))


TO_LATIN: Mapping[str, str] = _pairs(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u04d9\u04d5\u0451\u0457"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405\u051a\u051c\u04d8"
    "\u04d4\u0401\u0407\u04ae\u04d3\u04e7\u04ab\u04d1\u04d7\u04d2\u04e6\u04aa\u04d0\u04d6"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03cc"
    "\u037b\u03fd\u03af\u03d9\u03f2\u03f3"
    "\u0585\u0570\u057d\u0578\u0581\u0566\u0555\u054d\u054f",
    "aeopcyxijshdqw\u0259\u00e6\u00eb\u00ef"
    "ABEKMHOPCTYXIJSQW\u018f"
    "\u00c6\u00cb\u00cfY\u00e4\u00f6\u00e7\u0103\u0115\u00c4\u00d6\u00c7\u0102\u0114"
    "ABEZHIKMNOPTYXov\u00f3"
    "\u0254\u0186\u00ed\u1ecdcj"
    "ohungqOUS",
)
TO_CYRILLIC: Mapping[str, str] = _pairs(
    "aeopcyx\u00ebABEKMHOPCTYX\u00cb"
    + "\u0391\u0392\u0395\u039a\u039c\u0397\u039f\u03a1\u03a4\u03a7\u03bf",
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0451\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422"
    "\u0423\u0425\u0401\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0422\u0425\u043e",
) | {"\u2c6a": "\u049b", "\u2c69": "\u049a"}  # ka with descender
TO_GREEK: Mapping[str, str] = _pairs(
    "ABEZHIKMNOPTYXovu\u00f3\u00fa"
    + "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0422\u0425\u043e",
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03c5\u03cc"
    "\u03cd\u0391\u0392\u0395\u039a\u039c\u0397\u039f\u03a1\u03a4\u03a7\u03bf",
)
TO_ARMENIAN: Mapping[str, str] = _pairs(
    "ohungqOUS\u043e\u041e",
    "\u0585\u0570\u057d\u0578\u0581\u0566\u0555\u054d\u054f\u0585\u0555",
)
