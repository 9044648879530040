"""Settings: the environment `TOCSIN_*`, each secret also as `…_FILE`, checked once at start.

Every fault is named at once, one line per setting, so that an operator can fix them together.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from tocsin.model import Role, Secret

_N = TypeVar("_N", int, float)
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


class SettingsError(Exception):
    """One or more settings are wrong; `faults` has one readable line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over: `smtps` is implicit TLS, `smtp` demands STARTTLS unless
    `plaintext` (`?tls=none`) says in so many words that it may go in clear."""

    host: str
    port: int
    implicit_tls: bool
    plaintext: bool
    username: str | None
    password: Secret | None


@dataclass(frozen=True)
class TwilioAccount:
    """Whom text messages and calls are handed to, and who they come from: a number, or a messaging
    service (`MG…`)."""

    base_url: str
    account_sid: str
    auth_token: Secret
    sender: str


@dataclass(frozen=True)
class TwilioUrl:
    """Where Twilio's API is, and who we are there."""

    base_url: str
    account_sid: str
    auth_token: Secret


@dataclass(frozen=True)
class GroupRole:
    """Who is in this group (None: everybody) has this role in the workspace of this slug."""

    group: str | None
    role: Role
    workspace: str


@dataclass(frozen=True)
class OpenIdProvider:
    """Who says who people are (OpenID Connect), and who we are there."""

    issuer: str
    client_id: str
    client_secret: Secret | None
    name: str
    scopes: str
    groups_claim: str
    roles: tuple[GroupRole, ...]
    """By which the roles in the workspaces named here follow the groups of a person."""
    takes_unverified_email: bool


@dataclass(frozen=True)
class Settings:
    data_dir: Path
    database_url: Secret | None = None
    """None means the embedded PostgreSQL in `data_dir`."""
    secret_keys: tuple[Secret, ...] = ()
    """Fernet keys: the first encrypts, all decrypt. Empty on the embedded default: one is made."""
    host: str = "127.0.0.1"
    port: int = 8480
    public_url: str | None = None
    outbound_allow: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    smtp: SmtpServer | None = None
    mail_from: str | None = None
    twilio_url: TwilioUrl | None = None
    twilio_from: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: Secret | None = None
    oidc_name: str = "single sign-on"
    oidc_scopes: str = "openid email profile"
    oidc_groups_claim: str = "groups"
    oidc_roles: tuple[GroupRole, ...] = ()
    oidc_unverified_email: str = "no"
    mail_listen: tuple[str, int] | None = None
    """Where mail is taken, host and port; None: nowhere."""
    mail_domain: str | None = None
    """What comes after the `@` of the addresses that mail is taken for."""
    mail_tls_cert: Path | None = None
    """For STARTTLS: certificate chain in PEM, with its key unless that is in `mail_tls_key`."""
    mail_tls_key: Path | None = None
    mail_max_bytes: int = 5_242_880
    max_body_bytes: int = 1_048_576
    body_timeout_seconds: float = 10.0
    ingest_queue_limit: int = 2_000
    """Webhooks waiting for a commit, per process; beyond it the answer is 503."""
    ingest_body_bytes: int = 67_108_864
    """Bodies being read or waiting for a commit, per process; beyond it the answer is 503."""
    rate_limit_per_second: float | None = None
    """Accepted webhooks per integration and process; None is no limit."""
    rejected_keep: int = 1_000
    """Attempts that failed verification kept on record per integration; older ones go first."""
    rejected_body_bytes: int = 65_536
    sns_confirm: str = "no"
    """Whether subscriptions of Amazon SNS to an integration that checks its signature are confirmed
    without a person."""
    retention_days: int = 90
    heartbeat_url: Secret | None = None
    """Called while this process does its work; another system notices when it stops."""
    heartbeat_interval_seconds: float = 60.0
    log_format: str = "auto"
    log_level: str = "info"
    deliver_timeout_seconds: float = 15.0
    fields_set: frozenset[str] = field(default_factory=frozenset, repr=False)

    @property
    def base_url(self) -> str:
        """How others reach this installation; where nobody has said, by the address it listens on."""
        if self.public_url is not None:
            return self.public_url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def twilio(self) -> TwilioAccount | None:
        """The installation's own account; destinations may have others."""
        url, sender = self.twilio_url, self.twilio_from
        if url is None or sender is None:
            return None
        return TwilioAccount(url.base_url, url.account_sid, url.auth_token, sender)

    @property
    def openid(self) -> OpenIdProvider | None:
        """Where people may sign in besides here."""
        if self.oidc_issuer is None or self.oidc_client_id is None:
            return None
        return OpenIdProvider(
            self.oidc_issuer,
            self.oidc_client_id,
            self.oidc_client_secret,
            self.oidc_name,
            self.oidc_scopes,
            self.oidc_groups_claim,
            self.oidc_roles,
            self.oidc_unverified_email == "yes",
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


def _integer(low: int, high: int) -> Callable[[str], int]:
    return _within(int, "a whole number", low, high, "d")


def _number(low: float, high: float) -> Callable[[str], float]:
    return _within(float, "a number", low, high, "g")


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text.lower()

    return parse


def _database_url(text: str) -> Secret:
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


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    networks = []
    for part in text.split(","):
        if not (name := part.strip()):
            continue
        try:
            networks.append(ipaddress.ip_network(name))
        except ValueError as error:
            raise ValueError(f"{name!r} is not a network in CIDR form: {error}") from None
    return tuple(networks)


def _smtp(text: str) -> SmtpServer:
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


def _public_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must read https://host or http://host:port")
    return text.rstrip("/")


def _mail_from(text: str) -> str:
    if "@" not in text or any(character in text for character in "\r\n\0"):
        raise ValueError("must be one mail address")
    return text


def _twilio_url(text: str) -> TwilioUrl:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not (url.hostname and url.username and url.password):
        raise ValueError("must read https://ACCOUNT_SID:AUTH_TOKEN@api.twilio.com")
    base_url = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path.rstrip('/')}"
    return TwilioUrl(base_url, url.username, Secret(url.password))


def _issuer(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError(
            "must read https://host or https://host/path, as the provider names itself"
        )
    return text


def _secret(text: str) -> Secret:
    return Secret(text)


def _scopes(text: str) -> str:
    if "openid" not in text.split():
        raise ValueError("must hold openid, as in: openid email profile")
    return " ".join(text.split())


_GROUP_ROLE = re.compile(r"\s*(.+?)\s*=\s*(\w+)@([a-z0-9][a-z0-9-]*)\s*(?:,|$)")


def _group_roles(text: str) -> tuple[GroupRole, ...]:
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


def _heartbeat_url(text: str) -> Secret:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must read https://host/path")
    return Secret(text)


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError("must read host:port, 0.0.0.0:25 for example")
    return host, int(port)


def _domain(text: str) -> str:
    if _DOMAIN.fullmatch(text) is None or len(text) > 253:
        raise ValueError("must be a domain such as alerts.example.com")
    return text.lower()


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _text(text: str) -> str:
    return text


# setting → (field, parser, is a secret: may also come as …_FILE)
_FIELDS: Mapping[str, tuple[str, Callable[[str], object], bool]] = {
    "TOCSIN_DATABASE_URL": ("database_url", _database_url, True),
    "TOCSIN_SECRET_KEY": ("secret_keys", parse_secret_keys, True),
    "TOCSIN_DATA_DIR": ("data_dir", _path, False),
    "TOCSIN_HOST": ("host", _text, False),
    "TOCSIN_PORT": ("port", _integer(0, 65_535), False),
    "TOCSIN_PUBLIC_URL": ("public_url", _public_url, False),
    "TOCSIN_OUTBOUND_ALLOW": ("outbound_allow", _networks, False),
    "TOCSIN_SMTP_URL": ("smtp", _smtp, True),
    "TOCSIN_MAIL_FROM": ("mail_from", _mail_from, False),
    "TOCSIN_TWILIO_URL": ("twilio_url", _twilio_url, True),
    "TOCSIN_TWILIO_FROM": ("twilio_from", _text, False),
    "TOCSIN_OIDC_ISSUER": ("oidc_issuer", _issuer, False),
    "TOCSIN_OIDC_CLIENT_ID": ("oidc_client_id", _text, False),
    "TOCSIN_OIDC_CLIENT_SECRET": ("oidc_client_secret", _secret, True),
    "TOCSIN_OIDC_NAME": ("oidc_name", _text, False),
    "TOCSIN_OIDC_SCOPES": ("oidc_scopes", _scopes, False),
    "TOCSIN_OIDC_GROUPS_CLAIM": ("oidc_groups_claim", _text, False),
    "TOCSIN_OIDC_ROLES": ("oidc_roles", _group_roles, False),
    "TOCSIN_OIDC_UNVERIFIED_EMAIL": ("oidc_unverified_email", _choice("yes", "no"), False),
    "TOCSIN_MAIL_LISTEN": ("mail_listen", _listen, False),
    "TOCSIN_MAIL_DOMAIN": ("mail_domain", _domain, False),
    "TOCSIN_MAIL_TLS_CERT": ("mail_tls_cert", _path, False),
    "TOCSIN_MAIL_TLS_KEY": ("mail_tls_key", _path, False),
    "TOCSIN_MAIL_MAX_BYTES": ("mail_max_bytes", _integer(65_536, 67_108_864), False),
    "TOCSIN_MAX_BODY_BYTES": ("max_body_bytes", _integer(1_024, 67_108_864), False),
    "TOCSIN_BODY_TIMEOUT_SECONDS": ("body_timeout_seconds", _number(0.1, 600), False),
    "TOCSIN_INGEST_QUEUE_LIMIT": ("ingest_queue_limit", _integer(1, 1_000_000), False),
    "TOCSIN_INGEST_BODY_BYTES": ("ingest_body_bytes", _integer(1_048_576, 2**40), False),
    "TOCSIN_RATE_LIMIT_PER_SECOND": ("rate_limit_per_second", _number(0.001, 1_000_000), False),
    "TOCSIN_REJECTED_KEEP": ("rejected_keep", _integer(0, 1_000_000), False),
    "TOCSIN_REJECTED_BODY_BYTES": ("rejected_body_bytes", _integer(0, 1_048_576), False),
    "TOCSIN_SNS_CONFIRM": ("sns_confirm", _choice("yes", "no"), False),
    "TOCSIN_RETENTION_DAYS": ("retention_days", _integer(1, 36_500), False),
    "TOCSIN_HEARTBEAT_URL": ("heartbeat_url", _heartbeat_url, True),
    "TOCSIN_HEARTBEAT_INTERVAL_SECONDS": ("heartbeat_interval_seconds", _number(10, 86_400), False),
    "TOCSIN_LOG_FORMAT": ("log_format", _choice("auto", "json", "console"), False),
    "TOCSIN_LOG_LEVEL": ("log_level", _choice("debug", "info", "warning", "error"), False),
    "TOCSIN_DELIVER_TIMEOUT_SECONDS": ("deliver_timeout_seconds", _number(0.1, 120), False),
}


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/tocsin`, else `~/.local/share/tocsin` (XDG Base Directory specification)."""
    base = environ.get("XDG_DATA_HOME")
    return Path(base) / "tocsin" if base else Path.home() / ".local" / "share" / "tocsin"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: with one line per fault; a secret's value is never in it.
    """
    environ = os.environ if environ is None else environ
    faults: list[str] = []
    values: dict[str, object] = {}
    known = set(_FIELDS) | {f"{name}_FILE" for name, (_, _, secret) in _FIELDS.items() if secret}
    faults.extend(
        f"{name} is not a setting of Tocsin; see docs/operations/settings.md"
        for name in sorted(environ)
        if name.startswith("TOCSIN_") and name not in known and not name.startswith(_OTHERS)
    )
    for name, (target, parse, secret) in _FIELDS.items():
        text = environ.get(name)
        origin = name
        if secret and (path := environ.get(f"{name}_FILE")):
            origin = f"{name}_FILE"
            if text is not None:
                faults.append(f"{name} and {origin} are both set; keep one")
                continue
            try:
                text = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not UTF-8 text"
                faults.append(f"{origin}: cannot read {path}: {reason}")
                continue
        if text is None or text == "":
            continue
        try:
            values[target] = parse(text)
        except ValueError as error:
            faults.append(f"{origin} {error}")
    if values.get("database_url") is not None and "secret_keys" not in values:
        faults.append(
            "TOCSIN_SECRET_KEY must be set when TOCSIN_DATABASE_URL is: every node needs the same "
            "key to read the secrets; make one with `tocsin doctor --new-key`"
        )
    if values.get("smtp") is not None and "mail_from" not in values:
        faults.append("TOCSIN_MAIL_FROM must be set when TOCSIN_SMTP_URL is")
    if ("twilio_url" in values) != ("twilio_from" in values):
        faults.append("TOCSIN_TWILIO_URL and TOCSIN_TWILIO_FROM must be set together")
    if ("oidc_issuer" in values) != ("oidc_client_id" in values):
        faults.append("TOCSIN_OIDC_ISSUER and TOCSIN_OIDC_CLIENT_ID must be set together")
    if "oidc_issuer" in values and "public_url" not in values:
        faults.append(
            "TOCSIN_PUBLIC_URL must be set when TOCSIN_OIDC_ISSUER is: the provider sends people back "
            "to it"
        )
    if values.get("mail_listen") is not None and "mail_domain" not in values:
        faults.append("TOCSIN_MAIL_DOMAIN must be set when TOCSIN_MAIL_LISTEN is")
    if values.get("mail_tls_key") is not None and "mail_tls_cert" not in values:
        faults.append("TOCSIN_MAIL_TLS_CERT must be set when TOCSIN_MAIL_TLS_KEY is")
    if faults:
        raise SettingsError(faults)
    values.setdefault("data_dir", default_data_dir(environ))
    return Settings(**values, fields_set=frozenset(values))  # type: ignore[arg-type]


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Take the secrets out, once they are read: what is started from here does not inherit them."""
    for name, (_, _, secret) in _FIELDS.items():
        if secret:
            environ.pop(name, None)


# Set by the test suite and the build, or for commands that ask a server elsewhere; no settings of
# the server's.
_OTHERS = ("TOCSIN_VECTORS", "TOCSIN_TEST_", "TOCSIN_CHROMIUM", "TOCSIN_API_KEY")
