"""The Revised Romanization of Korean, which writes the sound of a word, as rules for ICU's
transliterator.

The rules are those of the Ministry (2000-8), chapter 2 and section 3.1, over the pronunciation of
the Standard Pronunciation Rules (1988), articles 8 to 20: finals fall together and nasalize, l
assimilates, h joins the stop next to it, t before i is ch; consonants that only sound tense are not
written so. A run of Hangul is a word: nothing assimilates across a space. What only a dictionary
knows is listed (an n that is inserted, l that becomes n) or decided by the commonest case: h is
kept after k, t and p, as in nouns (Mukho), but for the verbal suffix -hi- (japyeo).
"""

from __future__ import annotations

from collections.abc import Iterator

from stages.transliteration.letter_rules import CompiledRules

_INITIALS, _VOWELS = (
    letters.split()
    for letters in (
        "g kk n d tt r m b pp s ss - j jj ch k t p h",
        "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i",
    )
)
# Finals in the order of Unicode: what is heard at the end of a word or before a consonant; and
# before a vowel, what stays and what moves over to the next syllable.
_FINALS = (
    "k:-:g k:-:kk k:k:s n:-:n n:n:j n:-:n t:-:d l:-:r k:l:g m:l:m l:l:b l:l:s l:l:t p:l:p l:-:r m:-:m p:-:b p:p:s "
    "t:-:s t:-:ss ng:ng:- t:-:j t:-:ch k:-:k t:-:t p:-:p t:-:-"
)
_LG = 9  # place of ㄺ from 1
# places of ㄶ ㅀ ㅎ from 1, and what stays of each before a stop
_H_FINALS = {
    6: "n",
    15: "l",
    27: "",
}
_ASPIRATED = {"g": "k", "d": "t", "j": "ch"}
_NASAL = {"k": "ng", "t": "n", "p": "m"}
# Before -hi- and -hyeo of passive and causative verbs the stop is aspirated: what stays, what is
# said.
_BEFORE_HI = {1: "k", 5: "nch", 7: "ch", 9: "lk", 11: "lp", 17: "p", 22: "ch"}
# Words whose sound only a dictionary knows, as they would be spelt: examples of the notice,
# articles 10, 20 and 29.
_WORDS = (
    "학여울 항녀울 알약 알략 솜이불 솜니불 막일 망닐 맨입 맨닙 꽃잎 꼰닙 내복약 내봉냑 한여름 한녀름 신여성 신녀성 "
    "색연필 생년필 담요 담뇨 영업용 영엄뇽 식용유 시굥뉴 솔잎 솔립 물약 물략 서울역 서울력 물엿 물렫 휘발유 휘발류 "
    "신문로 신문노 의견란 의견난 임진란 임진난 생산량 생산냥 결단력 결단녁 공권력 공꿘녁 동원령 동원녕 상견례 상견녜 "
    "횡단로 횡단노 이원론 이원논 입원료 이붠뇨 첫인상 처딘상 못하 모타 "
    "밟다 밥다 밟지 밥지 밟고 밥고 밟는 밥는 밟소 밥소 밟게 밥게 밟던 밥던 밟습 밥습 넓죽 넙죽 넓둥 넙둥"
)
# Nouns in \u11b0, as they are written before it: dak-gwa of a hen, but malge of a clear sky
# (article 11).
_NOUNS_IN_LG = ("da", "ta", "heu", "seu", "chi", "sa")


def compile_korean() -> CompiledRules:
    """Write the rules of the main system, over the letters (jamo) of decomposed syllables."""
    words = _WORDS.replace("공꿘녁", "공권녁").split()
    known = [f"{word} > {sound} ;" for word, sound in zip(words[::2], words[1::2], strict=True)]
    lines = [":: NFC ;", *known, ":: NFD ;", *_letters(), ":: NFC ;"]
    return CompiledRules("\n".join(lines) + "\n", frozenset(map(chr, range(0xAC00, 0xD7A4))))


def _letters() -> Iterator[str]:
    """Write the rules: pairs of a final and the initial after it, then what stands alone."""
    yield "$open = [^\u11a8-\u11ba\u11bc-\u11c2];"  # no final, or that of the past tense
    for final in range(1, 28):
        heard, keep, move = _FINALS.split()[final - 1].replace("-", "").split(":")
        for number, initial in enumerate(_INITIALS):
            pair = chr(0x11A7 + final) + chr(0x1100 + number)
            if initial == "-":
                palatal = {"d": "j", "t": "ch"}.get(move)
                if palatal:
                    yield f"{pair} }} \u1175 > {keep}{palatal};"
                yield f"{pair} > {keep}{move};"
            elif final == _LG and initial == "g":
                yield from (f"{noun} {{ {pair} > kg;" for noun in _NOUNS_IN_LG)
                yield f"{pair} > lg;"
            elif initial == "h" and final in _BEFORE_HI:
                yield f"{pair} }} \u1175 > {_BEFORE_HI[final]};"
                yield f"{pair} }} \u1167 $open > {_BEFORE_HI[final]};"
                yield f"{pair} > {heard}h;"
            else:
                yield f"{pair} > {_joined(final, heard, initial)};"
        yield f"{chr(0x11A7 + final)} > {heard};"
    for number, initial in enumerate(_INITIALS):
        yield f"{chr(0x1100 + number)} > {initial.replace('-', '')};"
    for number, vowel in enumerate(_VOWELS):
        yield f"{chr(0x1161 + number)} > {vowel};"


def _joined(final: int, heard: str, initial: str) -> str:
    """Write a final, by its place and by what is heard of it alone, with the consonant after it."""
    stays = _H_FINALS.get(final)
    if stays is not None and initial in _ASPIRATED:
        return stays + _ASPIRATED[initial]
    if stays is not None and initial == "s":
        return stays + initial
    if heard in _NASAL and initial in ("n", "m", "r"):
        return _NASAL[heard] + initial.replace("r", "n")
    if (heard, initial) in (("n", "r"), ("l", "n"), ("l", "r")):
        return "ll"
    if heard in ("m", "ng") and initial == "r":
        return heard + "n"
    return heard + initial
