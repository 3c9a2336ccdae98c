"""Duplicates by address: documents fetched from what is one web address, written in different ways.

An address becomes its canonical form, and two documents are duplicates where those are equal. What
is done is what the standards call equivalent, and two things that practice knows to be: http and
https are one, and parameters that only say where a click came from are no part of the address.
Whatever could name another page stays: path case, trailing slashes, index pages, values, and a
`www.` in front unless the recipe says otherwise.

Sources: RFC 3986, section 6.2 (case, percent-encoding and dot-segment normalization, default ports,
empty path); RFC 3987, section 5.3.2 (raw and percent-encoded UTF-8 are one address); UTS #46,
non-transitional (host names); the WHATWG URL Standard (spaces and controls around, tabs and line
ends inside). Departures: fragments are dropped but for `#!` and `#/`, by which applications in one
page address their views; parameters are sorted by name, those of one name in their order; a session
number in `;jsessionid=` (Jakarta Servlet specification, section 7.1.3) is dropped.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

import idna
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.deduplication.options import UrlDeduplicationConfig
from stages.keys import KEY, hash_keys
from stages.script_detection import utf8_bytes

# Names in small letters, by who sets them. From the vendors' own documentation and the query filter
# of the Brave browser (which lists what names a person or a click, and never a campaign). Names
# that some sites give a meaning of their own (ref, source, s, t, si, id, from) are not here.
_TRACKERS = {
    "Google": "gclid gclsrc dclid gbraid wbraid srsltid _ga _gl",
    "Meta": "fbclid fb_action_ids fb_action_types fb_comment_id igshid igsh",
    "Microsoft": "msclkid",
    "Yandex": "yclid ymclid ysclid _openstat",
    "X, TikTok, LinkedIn, Pinterest, Snapchat, Reddit": "twclid ttclid li_fat_id epik sccid rdt_cid",
    "HubSpot, Marketo": "_hsenc _hsmi __hssc __hstc __hsfp hsctatracking mkt_tok",
    "Mailchimp, beehiiv, Kit, MailerLite, Klaviyo": "mc_cid mc_eid _bhlid ck_subscriber_id ml_subscriber "
    "ml_subscriber_hash _kx",
    "other mail and advertisement": "__s vero_id vero_conv oly_anon_id oly_enc_id bsft_uid bsft_clkid et_rid "
    "at_recipient_id at_recipient_list ss_email_id vgo_ee rb_clickid wickedid irclickid unicorn_click_id "
    "_branch_match_id _branch_referrer",
    "sessions of PHP and of servlet containers": "phpsessid jsessionid",
}
TRACKING_PARAMETERS = frozenset(name for names in _TRACKERS.values() for name in names.split())
# Google Analytics, Matomo, HubSpot Ads
TRACKING_PREFIXES = (
    "utm_",
    "mtm_",
    "pk_",
    "piwik_",
    "hsa_",
)
# Host code points that the WHATWG URL Standard forbids in a domain name.
_FORBIDDEN_IN_HOST = r"""[\x00-\x20"#%/:<>?@\[\\\]^`{|}\x7F]"""

_ADDRESS = r"(?s)^(?i:(?P<scheme>https?|ftp)://)(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?$"
_AUTHORITY = r"^(?:(?P<user>.*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(?::0*(?P<port>[0-9]*))?$"
_PORTS = {"http": "80", "https": "443", "ftp": "21"}


class UrlKeys(NamedTuple):
    """Keys of n documents by address, and which have one at all; a key where `present` is False
    means nothing."""

    keys: npt.NDArray[np.void]
    present: npt.NDArray[np.bool_]


def url_keys(batch: pa.RecordBatch, config: UrlDeduplicationConfig) -> UrlKeys:
    """Give n documents their n KEYs by `url`; equal keys are equal canonical addresses.

    Raises SchemaError without `url`.

    >>> urls = ["https://example.org/a?utm_source=x", "http://example.org/a", None]
    >>> keys, present = url_keys(pa.record_batch({"url": urls}), UrlDeduplicationConfig())
    >>> bool(keys[0] == keys[1]), present.tolist()
    (True, [True, True, False])
    """
    require_columns(batch, DOCUMENT, ("url",))
    addresses = canonical_urls(batch["url"], config)
    present = addresses.is_valid().to_numpy(zero_copy_only=False)
    keys = np.zeros(len(addresses), KEY)
    keys[present] = hash_keys(addresses.drop_null())
    return UrlKeys(keys, present)


def canonical_urls(urls: pa.Array, config: UrlDeduplicationConfig) -> pa.Array:
    """Write n addresses canonically, without their scheme (`//host/path?query`).

    Null where there is none to compare: null, too long, no http, https or ftp address with a valid
    host, controls inside, a backslash in the host (which readers of addresses disagree on).
    """
    url = pl.col("url")
    frame = pl.DataFrame({"url": pl.Series(urls.cast(pa.large_string()))}).with_row_index("row")
    frame = frame.filter(url.str.len_bytes() <= config.max_url_bytes)
    frame = frame.with_columns(
        url.str.strip_chars("".join(map(chr, range(0x21)))).str.replace_all(r"[\t\n\r]", "")
    )
    frame = frame.filter(~url.str.contains(r"[\x00-\x1F\x7F]|^\w+://[^/?#]*\\"))
    frame = frame.with_columns(
        url=pl.Series(_percent_normalized(frame["url"].to_arrow().cast(pa.large_string())))
    )
    parts = frame.select("row", url.str.extract_groups(_ADDRESS)).unnest("url").drop_nulls("scheme")
    parts = parts.with_columns(pl.col("authority").str.extract_groups(_AUTHORITY)).unnest(
        "authority"
    )
    parts = parts.with_columns(
        pl.col("scheme").str.to_lowercase(), _hosts(parts["host"])
    ).drop_nulls("host")
    host = pl.col("host").str.strip_prefix("www.") if config.drop_www else pl.col("host")
    parts = parts.with_columns(host, path=_paths(parts["path"], config)).join(
        _queries(parts, config), on="row", how="left", maintain_order="left"
    )
    scheme, port = pl.col("scheme"), pl.col("port").fill_null("")
    written = parts.select(
        "row",
        url=pl.concat_str(
            pl.when(scheme == "ftp").then(pl.lit("ftp://")).otherwise(pl.lit("//")),
            pl.when(pl.col("user").fill_null("") != "")
            .then(pl.col("user") + "@")
            .otherwise(pl.lit("")),
            "host",
            pl.when((port == "") | (port == scheme.replace_strict(_PORTS)))
            .then(pl.lit(""))
            .otherwise(":" + port),
            "path",
            pl.when(pl.col("kept").is_not_null()).then("?" + pl.col("kept")).otherwise(pl.lit("")),
            pl.when(pl.col("fragment").str.contains("^[!/]"))
            .then("#" + pl.col("fragment"))
            .otherwise(pl.lit("")),
        ),
    )
    rows = pl.DataFrame({"row": np.arange(len(urls), dtype=np.uint32)})
    return (
        rows.join(written, on="row", how="left", maintain_order="left")["url"]
        .to_arrow()
        .cast(pa.large_string())
    )


def _hosts(hosts: pl.Series) -> pl.Series:
    """Write hosts in small ASCII letters without a dot at the end; null where they are no host."""
    known = {
        host: _ascii_host(host)
        for host in hosts.filter(hosts.str.contains("%", literal=True)).unique().to_list()
    }
    unicode = hosts.replace_strict(known, default=hosts, return_dtype=pl.String) if known else hosts
    lower = unicode.str.to_lowercase().str.strip_suffix(".")
    bracketed = lower.str.starts_with("[")
    valid = (bracketed | ~lower.str.contains(_FORBIDDEN_IN_HOST)) & (lower != "")
    return pl.select(host=pl.when(valid).then(lower)).to_series()


def _ascii_host(host: str) -> str | None:
    """Encode one host of other letters than ASCII; UTS #46 has no batch call, and distinct such
    hosts are few."""
    name = unquote(host, errors="replace")
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return None


def _paths(paths: pl.Series, config: UrlDeduplicationConfig) -> pl.Series:
    """Normalize paths: never empty, no dot segments, no session number."""
    paths = paths.str.replace_all(r"(?i);jsessionid=[^/;]*", "").str.replace(r"^$", "/")
    dotted = paths.filter(paths.str.contains(r"/\.\.?(?:/|$)")).unique().to_list()
    if dotted:
        paths = paths.replace(dict(zip(dotted, map(_without_dot_segments, dotted), strict=True)))
    return paths.str.replace(r"(.)/+$", "$1") if config.drop_trailing_slash else paths


def _without_dot_segments(path: str) -> str:
    """Remove `.` and `..` from one path (RFC 3986, section 5.2.4); it takes a stack, and such paths
    are rare."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _queries(parts: pl.DataFrame, config: UrlDeduplicationConfig) -> pl.DataFrame:
    """Return (row, kept): the query of each row that has any, without empty parameters and those
    that only track."""
    name = pl.col("parameter").str.extract(r"^([^=]*)")
    tracked = name.str.to_lowercase()
    tracking = tracked.is_in(sorted(TRACKING_PARAMETERS.union(config.tracking_parameters)))
    for prefix in TRACKING_PREFIXES:
        tracking = tracking | tracked.str.starts_with(prefix)
    split = parts.select("row", parameter=pl.col("query").str.split("&")).explode("parameter")
    split = split.filter((pl.col("parameter").fill_null("") != "") & ~tracking)
    if config.sort_parameters:
        split = split.sort("row", name, maintain_order=True)
    return split.group_by("row", maintain_order=True).agg(kept=pl.col("parameter").str.join("&"))


_HEX_DIGITS = np.frombuffer(b"0123456789ABCDEF", np.uint8)
_HEX_VALUES = np.full(256, 16, np.uint8)
_HEX_VALUES[_HEX_DIGITS] = np.arange(16)
_HEX_VALUES[np.frombuffer(b"abcdef", np.uint8)] = np.arange(10, 16)
_UNRESERVED = np.zeros(256, bool)  # RFC 3986, section 2.3
_UNRESERVED[
    np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", np.uint8)
] = True
# with the reserved ones of section 2.2: what may stand in an address as it is
_ALLOWED = _UNRESERVED.copy()
_ALLOWED[np.frombuffer(b":/?#[]@!$&'()*+,;=", np.uint8)] = True


def _percent_normalized(urls: pa.Array) -> pa.Array:
    """Decode percent-encoded unreserved characters of n strings, encode what must be, write digits
    as capitals.

    A `%` that no two hexadecimal digits follow stands for itself and is encoded.
    """
    data, offsets = utf8_bytes(urls)
    data, offsets = data[offsets[0] : offsets[-1]], offsets - offsets[0]
    digits = _HEX_VALUES[data]
    escapes = np.flatnonzero(data == ord("%"))
    escapes = escapes[escapes + 2 < offsets[np.searchsorted(offsets, escapes, side="right")]]
    escapes = escapes[(digits[escapes + 1] < 16) & (digits[escapes + 2] < 16)]
    values, width = data.copy(), np.where(_ALLOWED[data], 1, 3)
    values[escapes] = digits[escapes + 1] * np.uint8(16) + digits[escapes + 2]
    width[escapes] = np.where(_UNRESERVED[values[escapes]], 1, 3)
    width[escapes + 1] = width[escapes + 2] = 0
    ends = np.concatenate(([0], np.cumsum(width)))
    written = np.empty(ends[-1], np.uint8)
    written[ends[:-1][width == 1]] = values[width == 1]
    encoded, starts = values[width == 3], ends[:-1][width == 3]
    written[starts], written[starts + 1], written[starts + 2] = (
        ord("%"),
        _HEX_DIGITS[encoded >> 4],
        _HEX_DIGITS[encoded & 15],
    )
    buffers = [None, pa.py_buffer(ends[offsets].astype(np.int64)), pa.py_buffer(written)]
    return pa.Array.from_buffers(pa.large_string(), len(urls), buffers)
