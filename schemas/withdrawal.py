"""WITHDRAWAL: a register of what must not be in a corpus, and what a corpus says of it.

A register is a TOML file. Each entry names, by one of KINDS, documents that somebody withdrew:

    private = false

    [[withdrawn]]
    host = "example.org"
    date = 2026-05-01
    reason = "asked by the owner"

    [[withdrawn]]
    id = ["0f3c2a", "77d1e0"]
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.addresses import canonical_address, canonical_host
from schemas.recipe import RecipeError, parse_recipe

KINDS = ("host", "url_prefix", "id", "content_sha256", "source", "licence")
# Columns on the way to publishing; their names cannot be a user's: they have spaces.
RESERVATIONS = pa.field("reservations in header", pa.string())  # lines, of a WARC's responses
OPT_OUT = pa.field("opt-out signals", pa.string())  # signals of the page itself, parted by commas
TDM_OPEN = "tdm_open"  # among them: the page leaves open what a file of its site may reserve
Copies = Literal["withdraw", "keep"]
_COPIES = "Whether copies of the text from elsewhere are withdrawn with it."


def _listed(given: object) -> Any:
    return (given,) if isinstance(given, str) else given


def _host(given: str) -> str:
    if "*" in given:
        raise ValueError(
            "a host covers its subdomains and has no wildcard: write "
            f"{given.lstrip('*').lstrip('.') or 'example.org'!r}, got {given!r}"
        )
    if re.search(r"[/?#@\s]", given.strip()):
        raise ValueError(f"a host is no address: use url_prefix, or the host alone, got {given!r}")
    host = canonical_host(given)
    if re.search(r"^[^:]*:\d+$", host) and not host.startswith("["):
        raise ValueError(f"a host has no port: use url_prefix, got {given!r}")
    if "." not in host.strip("[]") and ":" not in host:
        raise ValueError(
            f"a host has at least two labels, as example.org; use url_prefix for one label, got {given!r}"
        )
    try:
        return f"[{ipaddress.IPv6Address(host.strip('[]')).compressed}]" if ":" in host else host
    except ipaddress.AddressValueError:
        raise ValueError(f"must be a host name or an address, got {given!r}") from None


def _url_prefix(given: str) -> str:
    found = canonical_address(given)
    if found is None or "*" in found[0]:
        raise ValueError(f"must begin with https:// and a host, without wildcards, got {given!r}")
    return found[1]


def _id(given: str) -> str:
    if not given or given != given.strip() or given.endswith("*"):
        raise ValueError(f"an id is named whole, without wildcards or spaces around, got {given!r}")
    return given


def _sha256(given: str) -> str:
    digest = given.strip().lower().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError(f"must be the SHA-256 of a text in UTF-8, as 64 hex digits, got {given!r}")
    return digest


def _name(given: str) -> str:
    if not given.strip():
        raise ValueError(f"must not be empty, got {given!r}")
    return given.strip()


def _licence(given: str) -> str:
    return licence_name(_name(given))


def licence_name(given: str) -> str:
    """Write a licence's name as it is compared: case and spaces around aside."""
    return given.strip().casefold()


def _values(validate: Callable[[str], str], description: str) -> Any:
    def each(given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(validate, given)))

    return Annotated[
        tuple[str, ...],
        BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
        AfterValidator(each),
        Field(description=f"{description} One or a list."),
    ]


class Entry(BaseModel):
    """One withdrawal: what it names, by exactly one kind; when and why it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: _values(_host, "Host; its subdomains and all ports are named with it.") = ()  # type: ignore[valid-type]
    url_prefix: _values(  # type: ignore[valid-type]
        _url_prefix,
        "Beginning of addresses, letter for letter once both are in one form; http and https are one.",
    ) = ()
    id: _values(_id, "Id of a document, or of a synthetic row.") = ()  # type: ignore[valid-type]
    content_sha256: _values(_sha256, "Hex SHA-256 of a published text in UTF-8.") = ()  # type: ignore[valid-type]
    source: _values(_name, "Name of a source of the recipe.") = ()  # type: ignore[valid-type]
    licence: _values(_licence, "Licence as documents have it, case aside.") = ()  # type: ignore[valid-type]
    date: datetime.date | None = Field(default=None, description="When it was asked for.")
    reason: str = Field(default="", max_length=1000, description="Why, as the card shall say it.")
    copies: Copies = Field(default="withdraw", description=_COPIES)

    @model_validator(mode="after")
    def _names_by_one_kind(self) -> Entry:
        named = [kind for kind in KINDS if getattr(self, kind)]
        if len(named) != 1:
            raise ValueError(
                f"must name documents by exactly one of {', '.join(KINDS)}, got {' and '.join(named) or 'none'}"
            )
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind))

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(getattr(self, self.kind))


class Register(BaseModel):
    """A register of withdrawals, as its file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    private: bool = Field(
        default=False,
        description="Whether the corpus keeps to itself what is named: its card gives counts by kind alone, and its "
        "ledger leaves out the addresses of what is named.",
    )
    withdrawn: tuple[Entry, ...] = Field(default=(), description="What is withdrawn.")


class NamedRegister(NamedTuple):
    """A register, its file as the recipe names it, and the SHA-256 of that file."""

    file: str
    sha256: str
    register: Register


def read_register(content: bytes, file: str) -> NamedRegister:
    """Parse the bytes of a register. Raises RecipeError with every mistake, each by its line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(file, [f"is not UTF-8: {error.reason} at byte {error.start}"]) from None
    return NamedRegister(
        file, hashlib.sha256(content).hexdigest(), parse_recipe(text, Register, file)
    )


class WithdrawnConfig(BaseModel):
    """What is taken back: what registers name, and what its own pages reserve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(
        default=(), description="Registers of withdrawals, TOML; see `docs/take-back.md`."
    )
    opt_out: tuple[Literal["robots", "noai", "tdm_reservation"], ...] = Field(
        default=(),
        description="Signals in the archives themselves that count as a withdrawal of the page: `robots` (records of "
        "robots.txt, RFC 9309), `noai` (`X-Robots-Tag` and `<meta name=robots>`), `tdm_reservation` (the TDM "
        "Reservation Protocol's header and meta, and records of `/.well-known/tdmrep.json`).",
    )
    agents: tuple[str, ...] = Field(
        default=("CCBot", "GPTBot", "Google-Extended", "ClaudeBot", "Applebot-Extended"),
        description="User agents whose rules count in robots.txt, `X-Robots-Tag` and metas: a page is withdrawn that "
        "any of them may not fetch.",
    )
    opt_out_copies: Copies = Field(
        default="withdraw", description="As `copies` of a register's entry, for what pages reserve."
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> WithdrawnConfig:
        if not self.files and not self.opt_out:
            raise ValueError("names neither files nor opt_out")
        for name in ("files", "opt_out", "agents"):
            given = getattr(self, name)
            if len(set(given)) < len(given) or "" in given:
                raise ValueError(f"{name} must hold different values, got {list(given)}")
        if "robots" in self.opt_out and not self.agents:
            raise ValueError("opt_out names robots, so agents must name at least one user agent")
        return self
