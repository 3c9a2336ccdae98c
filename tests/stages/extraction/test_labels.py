"""Short lines go with what stands next to them: dates of events are text, bylines are none."""

from __future__ import annotations

import pytest

from stages.extraction.class_names import EVENT, LIVE, SIGNATURE, name_bits
from stages.extraction.extract import Page, read_page
from stages.extraction.options import ExtractionConfig

TEXTS = (
    "Msingi wa amani duniani ni kutambua heshima ya asili na haki sawa kwa binadamu wote, popote walipo.",
    "Kila mtu ana haki ya kuishi, haki ya kuwa huru na haki ya kulindwa nafsi yake, bila ubaguzi wowote.",
    "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. Wote wamejaliwa akili na dhamiri, kama ndugu.",
    "Hakuna mtu atakayewekwa utumwani; utumwa na biashara ya watumwa imekatazwa kwa kila namna yake yote.",
    "Kila mtu ana haki ya elimu. Elimu itolewe bila malipo, angalau ile ya msingi, kwa watoto wa wote wale.",
)
BODY = "".join(f"<p>{text}</p>" for text in TEXTS)
MENU = "<nav><ul><li><a href=/1>Mwanzo</a><li><a href=/2>Habari</a><li><a href=/3>Kuhusu</a></ul></nav>"


def page(markup: str) -> Page:
    return read_page(f"<html><body>{MENU}{markup}</body></html>", ExtractionConfig())


def lines(markup: str) -> list[str]:
    return [line.strip() for line in page(markup).text.replace("\t", "\n").split("\n")]


def dated(box: str, name: str, heading: str = "h3") -> str:
    """Five boxes, each with a date, a linked title and a text."""
    return "".join(
        f"<div class={box}><div class={name}>{day}.03.2024</div>"
        f"<{heading}><a href=/{day}>Siku ya {day}</a></{heading}><p>{text}</p></div>"
        for day, text in enumerate(TEXTS, 11)
    )


@pytest.mark.parametrize("box", ["event", "tribe-events-list__event", "timelineItem"])
def test_dates_and_titles_of_events_are_text(box: str) -> None:
    found = lines(f"<main><h1>Ratiba</h1>{dated(box, f'{box}-date')}</main>")
    for day in range(11, 16):
        assert f"{day}.03.2024" in found
        assert f"Siku ya {day}" in found


def test_dates_of_a_live_blog_and_of_events_beside_an_article_are_not_added() -> None:
    live = lines(f"<main><h1>Moja kwa moja</h1>{dated('live-event', 'live-date')}</main>")
    assert "11.03.2024" not in live
    hidden = dated("event", "event-date").replace("class=event-date", "class=event-date hidden")
    assert "11.03.2024" not in lines(f"<main><h1>Ratiba</h1>{hidden}</main>")
    aside = f"<main><h1>Habari</h1>{BODY}</main><aside>{dated('event', 'event-date')}</aside>"
    assert "11.03.2024" not in lines(aside)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("1931 - 2020", True),
        ("3/4/1940 \u2013 9/1/2021", True),
        ("\u0661\u0669\u0663\u0661\u2013\u0662\u0660\u0662\u0660", True),  # in digits of Arabic
        ("1931-2020", True),
        ("2024-03-12", False),  # the day of publication
        ("12/03/2024", False),
        ("10:20", False),
    ],
)
def test_a_span_of_dates_below_a_name_is_text_and_a_date_is_none(line: str, kept: bool) -> None:
    markup = f"<main><h1>Juma Hamisi</h1><div class=dates>{line}</div>{BODY}</main>"
    assert (line in lines(markup)) == kept


BYLINES = {
    "Joomla": "<dl class=article-info><dd class=createdby>Imeandikwa na Juma<dd class=hits>Mara 1201</dl>",
    "a journal": "<section class='item authors'><ul class=authors><li>Juma Hamisi, Chuo Kikuu</ul></section>",
    "a blog": "<p class=post-date>2024/03/12</p><p class=author>Juma Hamisi</p>",
}


@pytest.mark.parametrize("byline", BYLINES.values(), ids=BYLINES.keys())
def test_a_byline_between_title_and_text_is_left_out(byline: str) -> None:
    text = page(f"<main><h1>Haki za watu</h1>{byline}{BODY}</main>").text
    for word in ("Juma", "1201", "2024"):
        assert word not in text
    assert text.startswith("Haki za watu")
    assert all(own in text for own in TEXTS)


def test_a_name_of_the_whole_article_and_a_line_amid_the_text_are_no_byline() -> None:
    short = f"<p>Orodha yake ni hii:</p>{BODY}"
    inside = f"<article class='post author-juma date-2024'><h1>Haki</h1>{short}</article>"
    assert "Orodha yake ni hii:" in lines(inside)
    amid = f"<main><h1>Haki</h1>{BODY}<p class=author>Orodha yake ni hii:</p>{BODY}</main>"
    with_plain = amid.replace(" class=author", "")
    assert ("Orodha yake ni hii:" in lines(amid)) == ("Orodha yake ni hii:" in lines(with_plain))


def test_a_subtitle_after_the_title_is_text() -> None:
    header = "<div class=post-header><h1 class=post-title>Haki za watu</h1>{}</div>"
    subtitle = header.format("<h3 class=subtitle>Na kwa nini zinatuhusu</h3>")
    assert "Na kwa nini zinatuhusu" in lines(f"<article>{subtitle}{BODY}</article>")
    linked = header.format("<h3 class=subtitle><a href=/x>Soma habari nyingine</a></h3>")
    assert "Soma habari nyingine" not in lines(f"<article>{linked}{BODY}</article>")


def test_labels_of_a_strip_of_tabs_are_left_out_and_the_questions_of_an_accordion_are_not() -> None:
    strip = "".join(
        f"<li class=nav-item><a role=tab data-toggle=tab href=#{name}>{name}</a></li>"
        for name in ("Maelezo", "Vipimo")
    )
    panel = f"<div id=Maelezo role=tabpanel>{BODY}</div>"
    found = lines(f"<main><h1>Kikombe</h1><ul role=tablist>{strip}</ul>{panel}</main>")
    assert not {"Maelezo", "Vipimo"} & set(found)
    questions = "".join(
        f"<div role=tab><h4><a data-toggle=collapse href=#q{n}>Swali la {n}</a></h4></div>"
        f"<div id=q{n} role=tabpanel><p>{text}</p></div>"
        for n, text in enumerate(TEXTS)
    )
    found = lines(f"<main><h1>Maswali</h1><div role=tablist>{questions}</div></main>")
    assert {"Swali la 0", "Swali la 4"} <= set(found)


def test_fields_of_a_catalogue_are_left_out_and_the_rows_of_a_table_are_not() -> None:
    row = "<tr><td class={0}FieldLabel>Muhtasari:</td><td class={0}FieldValue>{1}</td></tr>"
    rows = "".join(row.format("metadata", text) for text in TEXTS)
    assert "Muhtasari" not in page(f"<h2>Kitabu</h2><table>{rows}</table>").text
    rows = "".join(row.format("", text) for text in TEXTS)
    assert "Muhtasari" in page(f"<h2>Kitabu</h2><table>{rows}</table>").text


def test_a_signature_is_no_part_of_a_post() -> None:
    posts = "".join(
        f"<div class=post><p class=author>Juma</p><div class=content>{text}</div>"
        f"<div class={{}}>{number} Maji hufuata mkondo, na mtu hufuata mwenendo wake mwema kila siku.</div></div>"
        for number, text in enumerate(TEXTS)
    )
    generator = "<meta name=generator content=phpBB>"
    signed = page(generator + posts.format(*["signature"] * 5))
    assert signed.kind == "forum"
    assert "Maji hufuata" not in signed.text
    assert "Maji hufuata" in page(generator + posts.format(*["more"] * 5)).text


def test_the_number_of_an_error_is_left_out_where_words_say_it() -> None:
    found = page(f"<main><h1>404</h1><p>{TEXTS[0]}</p></main>")
    assert (found.text, found.access) == (TEXTS[0], "error")
    assert page("<main><h1>404</h1></main>").text == "404"
    alone = page(f"<main><h1>Vyumba</h1><h2>404</h2>{BODY}{BODY}</main>")
    assert "404" in alone.text, "a page that says more than an error page is none"


def test_what_stands_between_kept_text_is_kept() -> None:
    rows = "".join(f"<tr><td>{year}<td>{year * 7}</tr>" for year in range(2019, 2024))
    table = f"<main><h1>Takwimu</h1>{BODY}<table>{rows}</table></main>"
    assert {"2019", str(2019 * 7), "2023", str(2023 * 7)} <= set(lines(table))
    linked = "".join(f"<tr><td><a href=/{n}>Habari {n}</a></tr>" for n in range(5))
    assert (
        "Habari 1" not in page(f"<main><h1>Takwimu</h1>{BODY}</main><table>{linked}</table>").text
    )


VERSE = (
    "Maji ya mto hutiririka\nKuelekea bahari kuu\nNa ndege wote huruka\nMbali sana kule juu\n\n" * 6
)
CODE = "\n".join(f"x[{n}] = f(a, {n}) + 2 * g[i]; // {n}" for n in range(20))


@pytest.mark.parametrize(
    ("markup", "kind"),
    [
        (f"<pre>{VERSE}</pre>", "article"),
        (f"<pre class=lyrics>{VERSE}</pre>", "article"),
        (f"<pre>{CODE}</pre>", "manual"),
        (f"<pre><code>{VERSE}</code></pre>", "manual"),
    ],
)
def test_verse_is_no_manual(markup: str, kind: str) -> None:
    assert page(f"<main><h1>Maji</h1>{markup}</main>").kind == kind


def test_what_a_channel_says_is_a_discussion_and_what_happened_when_is_none() -> None:
    def boxes(box: str, time: str) -> str:
        return "".join(
            f"<div class={box}><time class={time}>1{n}:20</time><div class={box}-text><p>{text}</p></div></div>"
            for n, text in enumerate(TEXTS)
        )

    assert page(f"<main>{boxes('message', 'message-time')}</main>").kind == "forum"
    for box in ("timeline-item", "liveblog-entry"):
        assert page(f"<main><h1>Historia</h1>{boxes(box, 'time')}</main>").kind != "forum"


def test_answers_of_a_site_are_no_forum() -> None:
    question = '{"@type":"Question","name":"x","acceptedAnswer":{"@type":"Answer","text":"y"}}'
    data = f'<script type="application/ld+json">{{"@type":"%s","mainEntity":[{question}]}}</script>'
    assert page(data % "FAQPage" + BODY).kind != "forum"
    assert page(data % "QAPage" + BODY).kind == "forum"


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("tribe-events-list", EVENT),
        ("openingHours", EVENT),
        ("live-blog", LIVE),
        ("post-signature", SIGNATURE),
        ("prevention", 0),
        ("delivery", 0),
        ("designature", 0),
        ("no-events", 0),
    ],
)
def test_more_names_are_tokens(name: str, bit: int) -> None:
    assert name_bits(name) & (EVENT | LIVE | SIGNATURE) == bit


def test_captions_that_repeat_the_title_are_left_out_and_refrains_are_not() -> None:
    title = "Safari ya baiskeli kando ya mto na bahari"
    head = f"<head><title>{title} | Safari</title></head>"
    captions = f"<figure><div class=caption>{title}</div></figure>" * 4
    assert page(f"{head}<main><h1>{title}</h1>{captions}{BODY}</main>").text.count(title) == 1
    song = "".join(f"<p>{title}</p><p>{text}</p>" for text in TEXTS)
    assert page(f"{head}<main><h1>{title}</h1>{song}</main>").text.count(title) == 1 + len(TEXTS)


def test_a_heading_of_links_that_are_left_out_goes_with_them() -> None:
    links = "".join(f"<li><a href=/{n}>Habari nyingine ya {n}</a></li>" for n in range(6))
    more = f"<h2>Soma pia</h2><ul class=related>{links}</ul>"
    assert "Soma pia" not in lines(f"<article><h1>Haki za watu</h1>{BODY}{more}</article>")
    assert "Soma pia" not in lines(
        f"<article><h1>Haki</h1>{BODY}{more}<h2>Mwisho</h2>{BODY}</article>"
    )
    text = "<h2>Soma pia</h2><h3>Kitabu cha kwanza</h3>"
    found = lines(f"<article><h1>Haki za watu</h1>{BODY}{text}{BODY}</article>")
    assert {"Soma pia", "Kitabu cha kwanza"} <= set(found)


def test_each_date_of_a_chronicle_is_text() -> None:
    days = "".join(
        f"<p class=date>{day}. 5. 1944</p><p>{text}</p>" for day, text in enumerate(TEXTS, 3)
    )
    found = lines(f"<main><h1>Siku za vita</h1>{days}</main>")
    assert all(f"{day}. 5. 1944" in found for day in range(3, 8))
    alone = lines(f"<main><h1>Siku za vita</h1><p class=date>3. 5. 1944</p>{BODY}</main>")
    assert "3. 5. 1944" not in alone
