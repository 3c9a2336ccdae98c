"""Class names, ids and roles as evidence: whole tokens, in groups.

A name is cut where authors cut it: at hyphens, underscores, white space and changes of case. So
`site-nav`, `siteNav` and `nav` say navigation, while `unavailable`, `text-navy` and `scandinavia`
say nothing. A token after `no`, `has`, `with` and the like says what an element lacks or what
stands next to it (`no-sidebar`, `contentWithSidebar`).

A group is a feature of the model and no verdict: what it is worth among all others was learned from
pages, also from copies of them without names.
"""

from __future__ import annotations

import functools
import re

_WORDS_BY_GROUP = {
    "navigation": "nav navi navigation navbar menu menus submenu menubar navmenu mainmenu topmenu dropdown breadcrumb "
    "breadcrumbs crumb crumbs pager pagination paginator paging pages prev next previous prevnext tabs tablist toc "
    "tableofcontents contents skip skiplink skiplinks toctree nextprev navlinks quicklinks toplinks sitemap",
    "footer": "footer foot foots footers colophon copyright copyrights legal imprint impressum fuss fusszeile pie "
    "rodape footerlinks bottom siteinfo credits",
    "header": "header head masthead topbar banner logo brand branding siteheader toolbar kopf kopfzeile cabecera "
    "tagline",
    "side": "sidebar sidebars aside rail widget widgets secondary complementary side rightcol leftcol rightcolumn "
    "leftcolumn portlet sidenav infobox navbox",
    "advertisement": "ad ads adv advert adverts advertisement advertising adsense sponsor sponsored sponsors promo "
    "promos promoted promotion outbrain taboola werbung anzeige publicidad pub dfp adslot commercial "
    "affiliate shop buy",
    "share": "share shares sharing shareable social follow facebook twitter whatsapp pinterest linkedin addthis "
    "addtoany sharedaddy sharebar socialmedia bookmark bookmarks email print",
    "related": "related recommended recommendations recommend popular trending similar latest recent readmore moreon "
    "more also teaser teasers mostread mostpopular suggestions suggested onward carousel slider swiper upnext "
    "relatedposts yarpp highlights",
    "comment": "comment comments commentlist commentbody reply replies respond response responses disqus discussion "
    "feedback reviews kommentare kommentar commentaires comentarios trackback pings",
    "meta": "meta byline bylines author authors vcard date dates datetime time timestamp posted published updated "
    "dateline category categories tag tags tagcloud entrymeta postmeta postinfo info label labels keywords source "
    "avatar bio biography profile editor publisher readingtime stats views rating ratings votes "
    "createdby modifiedby postedby poster postprofile signature userdetails userinfo username usertitle",
    "notice": "cookie cookies consent gdpr modal popup dialog overlay newsletter subscribe subscription signup login "
    "signin register paywall registration alert alerts banner disclaimer lightbox toast message messages warning "
    "download donate donation membership",
    "form": "search searchbox searchform form forms login input filter filters sort button buttons btn captcha",
    "picture": "caption captions figure figcaption gallery image images img photo photos picture slideshow slide "
    "credit thumb thumbnail thumbnails media video player audio bildunterschrift wpcaption",
    "main": "main content article articles entry post story body text articlebody articletext entrycontent "
    "postcontent maincontent maintext bodytext storybody storytext inhalt contenido conteudo contenu hentry prose "
    "richtext fulltext page single articlecontent bodycontent markdown document documentation rst mw parser output",
    "title": "title headline heading subtitle headlines entrytitle posttitle intro lead lede standfirst summary "
    "abstract excerpt teasertext kicker deck",
    "item": "item items list card cards grid row tile tiles loop feed stream archive listing product products price",
    "anchor": "headerlink permalink anchor selflink srclink copiable anchorlink headinglink pilcrow "
    "hashlink copylink",
    "hidden": "hidden hide sr screenreader visually visuallyhidden invisible offscreen noprint hiddenfocus srt only",
}
GROUPS = tuple(_WORDS_BY_GROUP)
NEGATIVE = (
    "navigation",
    "footer",
    "side",
    "advertisement",
    "share",
    "related",
    "comment",
    "notice",
    "form",
)
POSITIVE = ("main",)
BIT = {group: 1 << number for number, group in enumerate(GROUPS)}
# No group and no feature: what MediaWiki writes next to each heading, "[edit | edit source]".
NO_TEXT = 1 << len(GROUPS)
# No groups either: what a service writes that first asks a browser to prove itself (Cloudflare,
# HUMAN, Akamai, AWS), by its own names; a page that first asks for consent; lists of events, whose
# dates are text; live blogs, whose times are none; who wrote a text and when, and other facts on it;
# what a member signs all posts with; a tab, by its role.
CHALLENGE, CONSENT, BYLINE, EVENT, LIVE, METADATA, SIGNATURE, TAB = (
    1 << (len(GROUPS) + 1 + number) for number in range(8)
)
_CHALLENGE_NAMES = """
    challenge-error-text challenge-form challenge-running challenge-body-text cf-challenge-running cf-please-wait
    px-captcha sec-if-cpt-container challenge-container
"""
_CHALLENGES = frozenset(_CHALLENGE_NAMES.split())
_BITS_BY_TOKEN: dict[str, int] = {}
for _group, _words in _WORDS_BY_GROUP.items():
    for _word in _words.split():
        _BITS_BY_TOKEN[_word] = _BITS_BY_TOKEN.get(_word, 0) | BIT[_group]

BITS_BY_ROLE = {
    "navigation": BIT["navigation"],
    "menu": BIT["navigation"],
    "menubar": BIT["navigation"],
    "banner": BIT["header"],
    "contentinfo": BIT["footer"],
    "complementary": BIT["side"],
    "search": BIT["form"],
    "dialog": BIT["notice"],
    "alertdialog": BIT["notice"],
    "main": BIT["main"],
    "article": BIT["main"],
    "tab": TAB,
}
BITS_BY_PROPERTY = {  # schema.org, as microdata
    "articlebody": BIT["main"],
    "text": BIT["main"],
    "headline": BIT["title"],
    "author": BIT["meta"],
    "jobtitle": BIT["meta"],
    "datepublished": BIT["meta"],
    "datemodified": BIT["meta"],
    "publisher": BIT["meta"],
    "comment": BIT["comment"],
    "breadcrumb": BIT["navigation"],
}

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_DENIAL = -1
_BITS_BY_TOKEN["editsection"] = NO_TEXT
_MORE_WORDS = {
    EVENT: "event events vevent calendar agenda schedule schedules programme program timeline timetable chronology "
    "chronicle fixtures dtstart startdate hours openinghours showtimes",
    BYLINE: "byline bylines author authors affiliation affiliations date dates datetime time timestamp posted "
    "published updated dateline pubdate createdby createby createdate modifiedby modifydate postedby poster writer "
    "hits views",
    LIVE: "live liveblog liveticker ticker",
    METADATA: "metadata",
    SIGNATURE: "signature sig",
}
for _bit, _words in _MORE_WORDS.items():
    for _word in _words.split():
        _BITS_BY_TOKEN[_word] = _BITS_BY_TOKEN.get(_word, 0) | _bit
_BITS_BY_TOKEN |= dict.fromkeys(
    ("no", "not", "non", "has", "have", "with", "without", "hide", "is", "in", "if"), _DENIAL
)
_CUTS = bytes(point if chr(point).isalpha() else ord(" ") for point in range(128)).ljust(256)
_MAX_REMEMBERED = 100_000  # 450 web pages of as many sites have 56,000
MAX_NAME = 300  # code points of an attribute that are looked at


def name_bits(name: str) -> int:
    """Return the groups that the tokens of a class attribute, an id or both name, as bits.

    >>> name_bits("site-nav") == name_bits("siteNav") == BIT["navigation"]
    True
    >>> name_bits("unavailable text-navy scandinavia no-sidebar contentWithSidebar") == BIT["main"]
    True
    """
    bits = 0
    for part in name.split():
        bits |= _BITS_BY_PART[part]
    return bits


id_bits = functools.lru_cache(10_000)(name_bits)  # names of up to MAX_NAME code points


class _Parts(dict[str, int]):
    """The bits of each part of a name that was seen, so that a site's names are cut once."""

    def __missing__(self, part: str) -> int:
        bits, denied = CHALLENGE if part in _CHALLENGES else 0, False
        if "cookiewall" in part.lower().replace("-", ""):
            bits |= CONSENT
        if part.isascii() and part == part.lower():
            tokens = part.encode().translate(_CUTS).decode().split()
        else:
            tokens = [token.lower() for token in _TOKEN.findall(part)]
        for said in map(_BITS_BY_TOKEN.get, tokens):
            if said == _DENIAL or denied:
                denied = said == _DENIAL
            elif said:
                bits |= said
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        self[part] = bits
        return bits


_BITS_BY_PART = _Parts()
