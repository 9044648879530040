"""Taking a destination's URL apart, once, the same way when it is saved and when it is sent to.

Refusing here gives a clearer message than a failed delivery; the decision about addresses is
made where the connection is made (`session.py`).
"""

from __future__ import annotations

import base64
import functools
import re
import socket
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

import idna

from tocsin.delivery.outbound.addresses import AddressPolicy, Reach

_USUAL_PORTS = {"http": 80, "https": 443}
URL_LIMIT = 8_000
"""Characters; a Teams workflow URL exceeds 255, and request lines over 8 KiB are refused widely."""

# Visible characters that RFC 3986 leaves out, what breaks a request line or confuses parsers, and lone
# surrogates, which no bytes can stand for.
_REFUSED = re.compile(r"[\x00-\x20\x7f-\x9f\\\"<>^`{|}\u2028\u2029\ud800-\udfff]")
_KEEP = "".join(chr(code) for code in range(0x21, 0x7F))
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")
_NUMERIC_LABEL = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")


class UrlRefused(ValueError):
    """The URL cannot be sent to. `code` is stable; the text never repeats the URL."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Origin(NamedTuple):
    """What a connection is to."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ParsedUrl:
    """A URL ready to be sent to: `path` and `query` (with its `?`) go out byte for byte. Its userinfo
    is `authorization` (a Basic header value, a secret); `shown_port` is `:` and a port, or nothing, as
    it was given."""

    scheme: str
    host: str
    shown_port: str
    origin: Origin
    authority: str
    """The Host header of what is sent to it."""
    path: str = field(repr=False)
    query: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """What is asked for there."""
        return self.path + self.query


@functools.lru_cache(maxsize=1_024)
def parse_url(text: str) -> ParsedUrl:
    """Take a URL apart; a destination's is taken apart once, not for each message.

    Raises:
        UrlRefused: not http(s), no host, characters that no URL has, an address in disguise.
    """
    if len(text) > URL_LIMIT:
        raise UrlRefused("url-too-long", f"is longer than {URL_LIMIT} characters")
    if _REFUSED.search(text):
        raise UrlRefused(
            "url-invalid", "holds a blank or another character that a URL cannot have; encode it"
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UrlRefused("url-invalid", "is not a URL: its host or port cannot be read") from None
    if parts.scheme not in _USUAL_PORTS:
        raise UrlRefused("url-scheme", "must start with https://")
    if not parts.hostname:
        raise UrlRefused("url-invalid", "names no host; it must read https://host/…")
    if "[" in parts.netloc and ":" not in parts.hostname:
        raise UrlRefused("url-host", "has a host in brackets that is not an IPv6 address")
    host = _host(parts.hostname)
    if port == 0:
        raise UrlRefused("url-invalid", "has port 0, which nothing can listen on")
    usual = _USUAL_PORTS[parts.scheme]
    origin = Origin(parts.scheme, host, usual if port is None else port)
    authority = _spelled(host.removesuffix("."))
    # Nothing is decoded and nothing tidied up: signed URLs must stay as they are.
    return ParsedUrl(
        scheme=parts.scheme,
        host=host,
        shown_port="" if port is None else f":{port}",
        origin=origin,
        authority=authority if origin.port == usual else f"{authority}:{port}",
        path=quote(parts.path, safe=_KEEP) or "/",
        query=f"?{quote(parts.query, safe=_KEEP)}" if parts.query else "",
        authorization=_basic(parts.username, parts.password),
    )


def check_url(text: str, policy: AddressPolicy | None = None) -> ParsedUrl:
    """`parse_url` for a URL that a person enters; with a `policy` also what it says of an address
    written out in it.

    Raises:
        UrlRefused: as `parse_url`, and for an address that may not be reached.
    """
    target = parse_url(text)
    if policy is None or not is_address(target.host):
        return target
    reach = policy.judge(target.host)
    if reach is Reach.BLOCKED:
        raise UrlRefused(
            "address-blocked",
            "points into a private or reserved network; an operator can allow it with "
            "TOCSIN_OUTBOUND_ALLOW",
        )
    if reach is Reach.PUBLIC and target.scheme == "http":
        raise UrlRefused("url-scheme", "must start with https:// outside the allowed networks")
    return target


def is_address(host: str) -> bool:
    """Whether a host is an IP address in its usual spelling."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host)
    except OSError:
        return False
    return True


def shown(text: str) -> str:
    """What may be shown of a secret URL: scheme and host, never path, query or userinfo."""
    try:
        target = parse_url(text)
    except UrlRefused:
        return "…"
    return f"{target.scheme}://{_spelled(target.host)}{target.shown_port}/…"


def _spelled(host: str) -> str:
    """A host as a URL has it."""
    return f"[{host}]" if ":" in host else host


def _host(raw: str) -> str:
    """The host as it is looked up: lower case, IDNA, no zone, no address in disguise."""
    if ":" in raw:
        if "%" in raw:
            raise UrlRefused("url-host", "has an IPv6 zone; such an address is local to one link")
        if not is_address(raw):
            raise UrlRefused("url-host", "has a host in brackets that is not an IPv6 address")
        return raw.lower()
    try:
        host = raw.lower() if raw.isascii() else idna.encode(raw, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise UrlRefused("url-host", "has a host name that DNS cannot hold") from None
    if is_address(host):
        if raw != host:
            raise UrlRefused("url-host", "writes its address in unusual digits; use 0 to 9")
        return host
    name = host.removesuffix(".")
    # A last label that is a number makes the whole host an IPv4 address in disguise (WHATWG URL,
    # "ends in a number"): decimal, octal, hexadecimal, or with a dot behind it.
    if _NUMERIC_LABEL.match(name.rpartition(".")[2]):
        raise UrlRefused("url-host", "must write an IPv4 address as four decimal numbers")
    if len(name) > 253 or not _HOST_NAME.match(name):
        raise UrlRefused("url-host", "has a host name that DNS cannot hold")
    return host


def _basic(username: str | None, password: str | None) -> str | None:
    if username is None and password is None:
        return None
    pair = unquote_to_bytes(username or "") + b":" + unquote_to_bytes(password or "")
    return f"Basic {base64.b64encode(pair).decode()}"
