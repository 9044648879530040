"""How each kind of setting is read from text; a fault is a `ValueError` that says what it must be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from tocsin.model import Role, Secret
from tocsin.settings.shapes import GroupRole, SmtpServer, TwilioUrl

_N = TypeVar("_N", int, float)
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


def _within(
    read: Callable[[str], _N], called: str, low: _N, high: _N, shown: str
) -> Callable[[str], _N]:
    """A reader of numbers from `low` to `high`; `shown` is the format of all three."""

    def parse(text: str) -> _N:
        bounds = f"from {low:{shown}} to {high:{shown}}"
        try:
            value = read(text)
        except ValueError:
            raise ValueError(f"must be {called} {bounds}") from None
        if not low <= value <= high:
            raise ValueError(f"must be {bounds}, not {value:{shown}}")
        return value

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    return _within(int, "a whole number", low, high, "d")


def number(low: float, high: float) -> Callable[[str], float]:
    return _within(float, "a number", low, high, "g")


def choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text.lower()

    return parse


def read_database_url(text: str) -> Secret:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise ValueError("must start with postgresql:// (PostgreSQL is the only database)")
    return Secret(text)


def parse_secret_keys(text: str) -> tuple[Secret, ...]:
    import base64
    import binascii

    keys = []
    for part in text.replace("\n", ",").split(","):
        if not (key := part.strip()):
            continue
        try:
            decoded = base64.urlsafe_b64decode(key)
        except (binascii.Error, ValueError):
            decoded = b""
        if len(decoded) != 32:
            raise ValueError(
                "each key must be 32 bytes in URL-safe base64; `tocsin doctor --new-key` makes one"
            )
        keys.append(Secret(key))
    if not keys:
        raise ValueError("holds no key")
    return tuple(keys)


def read_networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    networks = []
    for part in text.split(","):
        if not (name := part.strip()):
            continue
        try:
            networks.append(ipaddress.ip_network(name))
        except ValueError as error:
            raise ValueError(f"{name!r} is not a network in CIDR form: {error}") from None
    return tuple(networks)


def read_smtp(text: str) -> SmtpServer:
    url = urlsplit(text)
    if url.scheme not in ("smtp", "smtps") or not url.hostname:
        raise ValueError("must read smtp://user:password@host:port or smtps://…")
    if url.query not in ("", "tls=none") or (url.query and url.scheme == "smtps"):
        raise ValueError("knows one option: ?tls=none, on smtp:// only")
    from urllib.parse import unquote

    try:
        port = url.port or (465 if url.scheme == "smtps" else 587)
    except ValueError:
        raise ValueError("has a port that is not a number from 1 to 65535") from None
    return SmtpServer(
        host=url.hostname,
        port=port,
        implicit_tls=url.scheme == "smtps",
        plaintext=url.query == "tls=none",
        username=unquote(url.username) if url.username else None,
        password=Secret(unquote(url.password)) if url.password else None,
    )


def read_public_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must read https://host or http://host:port")
    return text.rstrip("/")


def read_mail_from(text: str) -> str:
    if "@" not in text or any(character in text for character in "\r\n\0"):
        raise ValueError("must be one mail address")
    return text


def read_twilio_url(text: str) -> TwilioUrl:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not (url.hostname and url.username and url.password):
        raise ValueError("must read https://ACCOUNT_SID:AUTH_TOKEN@api.twilio.com")
    base_url = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path.rstrip('/')}"
    return TwilioUrl(base_url, url.username, Secret(url.password))


def read_issuer(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError(
            "must read https://host or https://host/path, as the provider names itself"
        )
    return text


def read_secret(text: str) -> Secret:
    return Secret(text)


def read_scopes(text: str) -> str:
    if "openid" not in text.split():
        raise ValueError("must hold openid, as in: openid email profile")
    return " ".join(text.split())


_GROUP_ROLE = re.compile(r"\s*(.+?)\s*=\s*(\w+)@([a-z0-9][a-z0-9-]*)\s*(?:,|$)")


def read_group_roles(text: str) -> tuple[GroupRole, ...]:
    """Groups may hold commas and equals signs, as distinguished names do: what ends an entry is the
    workspace."""
    made = []
    position = 0
    while position < len(text.rstrip()):
        found = _GROUP_ROLE.match(text, position)
        if found is None or found[2] not in list(Role):
            raise ValueError(
                "must read GROUP=ROLE@WORKSPACE, separated by commas, with a role of "
                f"{', '.join(Role)}; * is everybody"
            )
        group = None if found[1] == "*" else found[1]
        made.append(GroupRole(group, Role(found[2]), found[3]))
        position = found.end()
    return tuple(made)


def read_http_url(text: str) -> Secret:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must read https://host/path")
    return Secret(text)


def read_headers(text: str) -> dict[str, Secret]:
    headers: dict[str, Secret] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or re.fullmatch(r"[A-Za-z0-9-]+", name.strip()) is None:
            raise ValueError("must read name=value, several separated by commas")
        headers[name.strip().lower()] = Secret(value.strip())
    return headers


def read_listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError("must read host:port, 0.0.0.0:25 for example")
    return host, int(port)


def read_domain(text: str) -> str:
    if _DOMAIN.fullmatch(text) is None or len(text) > 253:
        raise ValueError("must be a domain such as alerts.example.com")
    return text.lower()


def read_path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def read_text(text: str) -> str:
    return text
