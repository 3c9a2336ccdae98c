"""Turn wikitext into plain text: the running text of an article, without what surrounds it.

One pass over the markup with a stack, so that time grows with the length of the page whatever it
holds. The packages that do this do not: on pages of 24 to 80 kB of unclosed tags or links
mwparserfromhell 0.7 took 20 to 110 s, and it makes 0.65 MB/s of ordinary pages (here 10 times
that); wikitextparser 3 is under the GPL.

Dropped with all they hold: templates, parameters, tables, comments, references, formulas, galleries
and other extension tags, links to files, categories and other languages. Kept as text: labels of
links, headings, list items. What is opened and never closed is text. What is dropped leaves a mark
until the end, so that apostrophes on its two sides do not become one run, and brackets that held
nothing else go with it.

Of a text in several variants (`-{zh-hans:..;zh-hant:..}-`) the one is shown that MediaWiki shows to
a reader who chose none, for whom the rest of the page stays as its authors wrote it: the language's
own code, then its fallbacks in order.

Sources: MediaWiki's help pages on formatting, links, tables and tags; its parser (`doQuotes`), its
language converter (rules, flags, fallbacks of each language) and its pre-save transform (the pipe
trick); Wikimedia's interwiki map.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Set
from html.entities import html5
from typing import NamedTuple
from urllib.parse import unquote

# every wiki understands these, and its own
ENGLISH_NAMESPACES = frozenset(("file", "image", "category", "media"))

# Prefixes of links to other languages: the codes of Wikipedias, with those of old that still
# redirect.
_CODES = """
    aa ab ace ady af ak als alt am ami an ang ann anp ar arc ary arz as ast atj av avk awa ay az azb ba ban bar
    bat-smg bbc bcl bdr be be-tarask be-x-old bew bg bh bho bi bjn blk bm bn bo bpy br bs btm bug bxr ca cbk-zam cdo
    ce ceb ch cho chr chy ckb co cr crh cs csb cu cv cy cz da dag de dga din diq dk dsb dtp dty dv dz ee egl el eml en
    eo epo es et eu ext fa fat ff fi fiu-vro fj fo fon fr frp frr fur fy ga gag gan gcr gd gl glk gn gom gor got gpe gsw
    gu guc gur guw gv ha hak haw he hi hif ho hr hsb ht hu hy hyw hz ia iba id ie ig igl ii ik ilo inh io is isv it iu
    ja jam jbo jp jv ka kaa kab kai kbd kbp kcg kg kge ki kj kk kl km kn knc ko koi kr krc krl ks ksh ku kus kv kw ky la
    lad lb lbe lez lfn lg li lij lld lmo ln lo lrc lt ltg lv lzh mad mai map-bms mdf mg mh mhr mi min minnan mk ml mn
    mni mnw mo mos mr mrj ms mt mus mwl my myv mzn na nah nan nap nb nds nds-nl ne new ng nia nl nn no nov nqo nr nrm
    nso nup nv ny oc olo om or os pa pag pam pap pcd pcm pdc pfl pi pih pl pms pnb pnt ps pt pwn qu rki rm rmy rn ro
    roa-rup roa-tara rsk ru rue rup rw sa sah sat sc scn sco sd se sg sgs sh shi shn shy si simple sk skr sl sm smn sn
    so sq sr srn ss st stq su sv sw syl szl szy ta tay tcy tdd te tet tg th ti tig tk tl tly tn to tpi tr trv ts tt tum
    tw ty tyv udm ug uk ur uz ve vec vep vi vls vo vro wa war wo wuu xal xh xmf yi yo yue za zea zgh zh zh-cfr
    zh-classical zh-cn zh-min-nan zh-tw zh-yue zu
"""
_LANGUAGE_PREFIXES = frozenset(_CODES.split())
# Variants of a language, the one that is shown first of all that a text gives.
_VARIANTS = {
    variants.split()[0]: tuple(variants.split())
    for variants in (
        "zh zh-hans zh-hant zh-cn zh-tw zh-hk zh-sg zh-mo zh-my",
        "ban ban-bali ban-x-dharma ban-x-palmleaf ban-x-pku",
        "crh crh-latn crh-cyrl",
        "gan gan-hans gan-hant",
        "iu ike-cans ike-latn",
        "kk kk-cyrl kk-latn kk-arab kk-kz kk-tr kk-cn",
        "ku ku-latn ku-arab",
        "mni mni-mtei mni-beng",
        "sh sh-latn sh-cyrl",
        "shi shi-latn shi-tfng",
        "sr sr-ec sr-cyrl sr-el sr-latn",
        "tg tg-cyrl tg-latn",
        "tly tly-latn tly-cyrl",
        "uz uz-latn uz-cyrl",
        "wuu wuu-hans wuu-hant",
        "zgh zgh-tfng zgh-latn",
    )
}
# titles, descriptions, names of variants, rules added and removed
_FLAGS_WITHOUT_TEXT = frozenset("TDN+-")
# Names of links to media by an old alias of the namespace, which a dump does not list.
_MEDIA_NAME = re.compile(
    r".*\.(?:djvu|flac|gif|jpe?g|mid|mp3|og[agv]|pdf|png|stl|svg|tiff?|wav|web[mp]|xcf)\s*",
    re.IGNORECASE,
)

# Extension tags: raw up to their closing tag. Of these, two keep what they hold.
_RAW_TAG = re.compile(
    "categorytree|ce|chem|dynamicpagelist|gallery|graph|hiero|imagemap|includeonly|indicator|inputbox|mapframe|maplink|"
    "math|nowiki|pre|ref|references|score|section|source|syntaxhighlight|templatedata|templatestyles|timeline"
)
_KEPT_TAG = re.compile("nowiki|pre")
_LINE_TAG = re.compile("blockquote|br|center|dd|div|dl|dt|h[1-6]|hr|li|ol|p|table|td|th|tr|ul")
# All other tags of MediaWiki's sanitizer and of the extensions of Wikimedia's wikis. What is none
# of these is text, as `<sh>` in an article about spelling.
_OTHER_TAG = re.compile(
    "abbr|b|bdi|bdo|big|caption|charinsert|cite|code|data|del|dfn|em|font|i|ins|kbd|langconvert|languages|link|mark|meta|"
    "nowiki|pagelist|pagequality|pages|phonos|poem|q|quiz|rb|rp|rt|rtc|ruby|s|samp|small|span|strike|strong|sub|sup|"
    "templatestyles|time|translate|tt|tvar|u|var|wbr"
)
# The preprocessor takes these out before anything is read, so that they part nothing.
_INVISIBLE_TAG = re.compile("includeonly|noinclude|onlyinclude")

_HOLE, _CUT = "\x01", "\x02"  # where content was dropped; where a tag stood
_KEPT = re.compile("\x03([0-9]+)\x04")  # raw text that is kept, by its number
_RESERVED = re.compile("[\x01-\x04]")
_MAX_NESTED = 500  # links and variants; each level copies its text once
_MAX_MAGIC_WORD = 300  # code points

_MARKUP = re.compile(
    r"""
      (?P<variants> -\{ (?: (?!\{) | (?=\{\{(?!\{)) ) )
    | (?P<variants_end> \}- )
    | (?P<opening> \{{2,} )
    | (?P<closing> \}{2,} )
    | (?P<link> \[\[ )
    | \[ (?P<address> (?: (?i: (?:https?|ftps?|ircs?|news|nntp|gopher|telnet|ssh|sftp|git|svn|mms) :// |
        (?:mailto|news|tel|sips?|sms|xmpp|urn|geo|magnet|bitcoin|matrix) : ) | // ) [^\s\[\]<>]* )
    | (?P<bracket> \] )
    | ^ [ \t:;*\#]* (?P<table> \{\| )
    | ^ [ \t]* (?P<table_end> \|\} (?!\}) )
    | (?P<comment> <!-- )
    | < (?P<end>/?) (?P<tag> [a-zA-Z][a-zA-Z0-9]{0,30} )
        (?: [\s/] (?: "[^"]{0,500}" | '[^']{0,500}' | [^<>"']{1,500}+ ){0,40}+ )? >
    """,
    re.VERBOSE | re.MULTILINE,
)
_QUOTED_LINE = re.compile(r"^[^\n]*?''[^\n]*$", re.MULTILINE)
_QUOTES = re.compile(r"('{2,})")
_HEADING = re.compile(r"^(\x01*)(=+)([^\n]*[^=\n])(=+)([ \t\x01\x02]*)$", re.MULTILINE)
_LIST_OR_RULE = re.compile(r"^(\x01*)(?:[*#:;]+|-{4,})[ \t]*", re.MULTILINE)
_SWITCH = re.compile(r"__((?:[^\W\d_]|_(?!_)){2,60})__")  # __NOTOC__ and its translations
_REST_OF_LINE = re.compile(r"[ \t]*\n")
_ENTITY = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[a-zA-Z][a-zA-Z0-9]{1,30});")


def _characters(category: str, without: str) -> str:
    # no bracket lies beyond; to look there takes 0.2 s of every start
    every = map(chr, range(0x10000))
    return re.escape(
        "".join(c for c in every if unicodedata.category(c) == category and c != without)
    )


# braces are markup that was not understood
_OPENING, _CLOSING = (
    _characters("Ps", "{"),
    _characters("Pe", "}"),
)
# Commas, semicolons, colons, dots, dashes and slashes of the world's scripts.
_SEPARATORS = (
    r"\s,;:/\u00b7\u2022\u2010-\u2015\u055d\u060c\u061b\u07f8\u1363-\u1366\u1802\u1808\u3001\u30fb\ua4fe\ua60d\ua6f5"
    r"\ufe10\ufe11\ufe13\ufe14\ufe50\ufe51\ufe54\ufe55\uff0c\uff0f\uff1a\uff1b\uff64\uff65\x02\-"
)
_EMPTY_BRACKETS = re.compile(
    rf" ?[{_OPENING}][{_SEPARATORS}]*+\x01[{_SEPARATORS}\x01]*+[{_CLOSING}]"
)
_AFTER_BRACKET = re.compile(rf"(?<=[{_OPENING}])[{_SEPARATORS}]*+\x01[{_SEPARATORS}\x01]*+")
_BEFORE_BRACKET = re.compile(
    rf"(?<![{_SEPARATORS}\x01])[{_SEPARATORS}]*+\x01[{_SEPARATORS}\x01]*+(?=[{_CLOSING}])"
)
_SPACES_OF_HOLES = re.compile(r" (?:[\x01\x02]+ )+")
_PIPE_TRICK = re.compile(
    r"(?: ?\([^()]+\)| ?\uff08[^\uff08\uff09]+\uff09)?(?:(?:, |[\uff0c\u3001]).+)?$", re.DOTALL
)
_MARKS = re.compile("[\x01\x02]+")
# a run of spaces is tried once, from its beginning
_LINE_END = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_LINE_START = re.compile(r"^[ \t]+", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")


class Wiki(NamedTuple):
    """What a page's markup means in its wiki: the wiki's language, and its namespaces by casefolded
    name."""

    language: str = ""
    dropped_namespaces: Set[str] = ENGLISH_NAMESPACES
    namespaces: Set[str] = frozenset()
    own_prefix: str = ""  # of links from other languages
    media_namespaces: Set[str] = frozenset(("media",))  # of links to files, which show their label

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants its markup can name, the one to show first; empty if the language has
        none."""
        return _VARIANTS.get(self.language.lower().partition("-")[0], ())


_ANY_WIKI = Wiki()


def plain_text(wikitext: str, wiki: Wiki = _ANY_WIKI, title: str = "") -> str:
    """Return the running text of an article: paragraphs, headings and list items, each on its own
    line.

    >>> plain_text("'''Bilbo''' [[Bizkaia]]ko {{hiri}}[[hiriburua_x|hiriburua]] da.<ref>x</ref> &amp;")
    'Bilbo Bizkaiako hiriburua da. &'
    >>> plain_text("\u8fd9\u662f-{zh-hans:\u7f51\u7edc; zh-hant:\u7db2\u8def}-\uff08{{x}}\u3001{{y}}\uff09", Wiki("zh"))
    '\u8fd9\u662f\u7f51\u7edc'
    """
    kept: list[str] = []
    text = _without_structures(_RESERVED.sub("", wikitext), wiki, title, kept)
    text = _QUOTED_LINE.sub(lambda line: _without_quotes(line[0]), text)
    text = _HEADING.sub(_heading_text, _LINE_END.sub("", text))
    text = _SWITCH.sub(_without_switch, _LIST_OR_RULE.sub(r"\1", text))
    # Brackets in brackets: once more for what the first time leaves.
    text = _EMPTY_BRACKETS.sub(_HOLE, _EMPTY_BRACKETS.sub(_HOLE, text))
    text = _BEFORE_BRACKET.sub("", _AFTER_BRACKET.sub("", text))
    text = _MARKS.sub("", _SPACES_OF_HOLES.sub(" ", text))
    text = _ENTITY.sub(
        lambda entity: _entity_text(entity[0]), _KEPT.sub(lambda number: kept[int(number[1])], text)
    )
    return _EMPTY_LINES.sub("\n\n", _LINE_START.sub("", _LINE_END.sub("", text))).strip()


def _without_quotes(line: str) -> str:
    """Take the apostrophes of bold and italic text out of a line, and leave the others, as
    `doQuotes` does.

    >>> _without_quotes("L''''Eneide''' \u00e8"), _without_quotes("l'''amour''")
    ("L'Eneide \u00e8", "l'amour")
    """
    parts = _QUOTES.split(line)  # text at even places, apostrophes at odd ones
    # Four are a letter and a bold mark; more than five are letters and a mark of both.
    marks = [3 if len(run) == 4 else min(len(run), 5) for run in parts[1::2]]
    letters = [len(run) - mark for run, mark in zip(parts[1::2], marks, strict=True)]
    both = marks.count(5)
    if (marks.count(3) + both) % 2 and (marks.count(2) + both) % 2:
        # One bold mark too many is a letter and an italic mark: after a word of one letter, another
        # word, or a space.
        candidates: dict[int, int] = {}
        for place, mark in enumerate(marks):
            if mark == 3:
                before = parts[2 * place] + "'" * letters[place]
                rank = 2 if before[-1:] == " " else 0 if before[-2:-1] == " " else 1
                candidates.setdefault(rank, place)
        if candidates:
            letters[candidates[min(candidates)]] += 1
    return "".join(
        part if place % 2 == 0 else "'" * letters[place // 2] for place, part in enumerate(parts)
    )


def _heading_text(heading: re.Match[str]) -> str:
    """Take as many signs off both ends as stand at both, six at most."""
    level = min(len(heading[2]), len(heading[4]), 6)
    return f"{heading[1]}{heading[2][level:]}{heading[3]}{heading[4][level:]}{heading[5]}"


def _entity_text(entity: str) -> str:
    # Not `html.unescape` for names: it also reads the beginning of a longer name.
    return html.unescape(entity) if entity[1] == "#" else html5.get(entity[1:], entity)


def _without_switch(switch: re.Match[str]) -> str:
    word = switch[1]
    return (
        ""
        if word == word.upper() or word.lower() in ("toc", "notoc", "forcetoc", "noeditsection")
        else switch[0]
    )


class _Stack:
    """What is open, and the text written so far; closing something gives up what was opened in it
    and never closed."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._open: list[tuple[str, int]] = []  # kind, and where it began in `written`
        self._count = {"template": 0, "link": 0, "address": 0, "table": 0, "variants": 0}

    def open(self, kind: str) -> None:
        self._open.append((kind, len(self.written)))
        self._count[kind] += 1

    def depth(self, kind: str) -> int:
        return self._count[kind]

    def is_innermost(self, kind: str) -> bool:
        return bool(self._open) and self._open[-1][0] == kind

    def close(self, kind: str) -> str | None:
        """Take back and return what was written since the last `kind` opened; None if none is
        open."""
        if not self._count[kind]:
            return None
        while True:
            innermost, begin = self._open.pop()
            self._count[innermost] -= 1
            if innermost == kind:
                break
        content = "".join(self.written[begin:])
        del self.written[begin:]
        return content


def _without_structures(wikitext: str, wiki: Wiki, title: str, kept: list[str]) -> str:
    stack = _Stack()
    written, variants = stack.written, wiki.variants
    never_closed: set[str] = set()  # raw tags that no closing tag follows any more
    position = 0
    while markup := _MARKUP.search(wikitext, position):
        written.append(wikitext[position : markup.start()])
        before, position = position, markup.end()
        kind = markup.lastgroup
        if kind == "opening":
            for _ in range(len(markup[0]) // 2):
                stack.open("template")
        elif kind == "closing":
            pairs, odd = divmod(len(markup[0]), 2)
            closed = [stack.close("template") for _ in range(pairs)]
            if closed[0] is None:
                written.append(markup[0])
            else:
                written.append(_magic_word(closed[-1] or "", title) if pairs == 1 else _HOLE)
                # A last brace may end variants.
                position -= (
                    odd and stack.depth("variants") > 0 and wikitext.startswith("-", position)
                )
        elif kind == "link" or kind == "variants":
            if kind == "variants" and not variants:
                written.append("-")
                position = markup.start() + 1  # what follows may be a template
            elif stack.depth(kind) >= _MAX_NESTED:
                written.append(markup[0])
            else:
                stack.open(kind)
        elif kind == "variants_end":
            inner = stack.close("variants")
            written.append(markup[0] if inner is None else _variant_text(inner, variants))
        elif kind == "table" or kind == "address":
            stack.open(kind)
        elif kind == "table_end":
            if stack.close("table") is not None:
                written.append(_HOLE)
        elif kind == "bracket":
            if stack.is_innermost("address"):
                written.append((stack.close("address") or "").strip() or _HOLE)
            elif wikitext.startswith("]", position) and (inner := stack.close("link")) is not None:
                position += 1
                text = _link_text(inner, wiki)
                written.append(_CUT + text if text.startswith(("#", "*", ":", ";", "=")) else text)
            else:
                written.append("]")
        elif kind == "comment":
            position = _after_comment(wikitext, before, markup)
        else:
            position = _after_tag(wikitext, markup, written, (never_closed, kept))
    written.append(wikitext[position:])
    return "".join(written)


def _after_comment(wikitext: str, before: int, markup: re.Match[str]) -> int:
    """Return where a comment ends; one that has lines of its own goes with its line break, so that
    it parts nothing."""
    end = wikitext.find("-->", markup.end())
    if end < 0:
        return len(wikitext)
    line = wikitext.rfind("\n", before, markup.start()) + 1
    if not line and before and wikitext[before - 1] == "\n":
        line = before
    rest = (
        _REST_OF_LINE.match(wikitext, end + 3)
        if line and not wikitext[line : markup.start()].strip(" \t")
        else None
    )
    return rest.end() if rest else end + 3


def _after_tag(
    wikitext: str, markup: re.Match[str], written: list[str], raw: tuple[set[str], list[str]]
) -> int:
    """Write what a tag stands for, and return where to go on; `raw` are the tags never closed, and
    the text kept."""
    name = markup["tag"].lower()
    never_closed, kept = raw
    opens_raw = _RAW_TAG.fullmatch(name) and not markup["end"] and not markup[0].endswith("/>")
    if opens_raw and name not in never_closed:
        closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(wikitext, markup.end())
        if closing is not None:
            if _KEPT_TAG.fullmatch(name):
                written.append(f"\x03{len(kept)}\x04")
                kept.append(wikitext[markup.end() : closing.start()])
            elif name != "includeonly":
                written.append(_HOLE)
            return closing.end()
        if name == "includeonly":
            return len(wikitext)
        never_closed.add(name)
    if _LINE_TAG.fullmatch(name):
        written.append("\n")
    elif _RAW_TAG.fullmatch(name) and name != "includeonly":
        written.append(_HOLE)
    elif _OTHER_TAG.fullmatch(name):
        written.append(_CUT)
    elif not _INVISIBLE_TAG.fullmatch(name):
        written.append("<")
        return markup.start() + 1
    return markup.end()


def _magic_word(template: str, title: str) -> str:
    """Return the text of the few templates that are MediaWiki's own and need nothing but the
    page."""
    if len(template) > _MAX_MAGIC_WORD:
        return _HOLE
    name, colon, value = template.strip().partition(":")
    if colon:
        changed = {
            "formatnum": value.partition("|")[0],
            "lc": value.lower(),
            "uc": value.upper(),
            "lcfirst": value[:1].lower() + value[1:],
            "ucfirst": value[:1].upper() + value[1:],
        }.get(name.strip().lower())
        return _HOLE if changed is None else changed.strip() or _HOLE
    return {"!": "|", "=": "=", "PAGENAME": title, "FULLPAGENAME": title, "pagename": title}.get(
        name
    ) or _HOLE


def _link_text(inner: str, wiki: Wiki) -> str:
    target, pipe, label = inner.partition("|")
    target = target.strip(" \t\n_")
    shown = target.removeprefix(":")
    prefix, colon, rest = shown.partition(":")
    namespace = prefix.strip(" _").replace("_", " ").casefold() if colon else ""
    if namespace and not target.startswith(":"):
        if namespace in wiki.dropped_namespaces:
            return label if label and namespace in wiki.media_namespaces else _HOLE
        is_foreign = namespace in _LANGUAGE_PREFIXES and namespace not in (
            wiki.language,
            wiki.own_prefix,
        )
        if namespace not in wiki.namespaces and (is_foreign or _MEDIA_NAME.fullmatch(target)):
            return _HOLE
    if label:
        return label
    decoded = unquote(shown) if "%" in shown else shown
    shown = (shown if "\ufffd" in decoded else decoded).replace("_", " ")
    return _PIPE_TRICK.sub("", rest if namespace else shown).strip() if pipe else shown


def _variant_text(markup: str, variants: tuple[str, ...]) -> str:
    """Return what `-{markup}-` shows; `variants` are in the order of preference.

    >>> _variant_text("sr-el: hleb; sr-ec: hljeb", _VARIANTS["sr"]), _variant_text("R|a:b", _VARIANTS["sr"])
    ('hljeb', 'a:b')
    """
    flags, bar, rules = markup.partition("|")
    if not bar:
        flags, rules = "", markup
    names = {flag.strip() for flag in flags.split(";")}
    if "R" in names:
        return rules
    if "H" in names or (names & _FLAGS_WITHOUT_TEXT and "A" not in names):
        return _HOLE
    if {name.lower() for name in names} & set(variants):
        return rules
    both_ways: dict[str, str] = {}  # text by variant
    one_way: dict[str, str] = {}
    # A semicolon ends a rule only where another begins or the text ends: it also ends entities.
    end_of_rule = rf";(?=\s*+(?:(?:(?:(?!=>)[^;:])*+=>\s*+)?(?:{'|'.join(variants)})\s*+:|$))"
    for rule in re.split(end_of_rule, rules, flags=re.IGNORECASE):
        left, colon, text = rule.partition(":")
        _, arrow, variant = left.rpartition("=>")
        if not colon:
            continue
        if variant.strip().lower() not in variants:
            return rules  # no rules, and so a text that is not to be converted
        if text.strip() or arrow:
            (one_way if arrow else both_ways)[variant.strip().lower()] = text.strip()
    texts = both_ways or one_way
    shown = next((texts[variant] for variant in variants if variant in texts), None)
    return rules if shown is None else shown
