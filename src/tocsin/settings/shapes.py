"""What settings are, once they have been read."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tocsin.model import KeptHistory, Role, Secret

EMBEDDED_SPOOL_BYTES: Final = 67_108_864
"""Unless something else is set, beside the embedded database."""


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
class Given:
    """What was set, and where: the name of a variable, or the file and the key in it."""

    text: str | None
    """None for a secret."""
    origin: str


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
    spool_bytes: int | None = None
    """What webhooks may take on this machine's disk while the database is away, per process; 0: they
    are answered 503. See `spool_limit`."""
    rate_limit_per_second: float | None = None
    """Accepted webhooks per integration and process; None is no limit."""
    rejected_keep: int = 1_000
    """Attempts that failed verification kept on record per integration; older ones go first."""
    rejected_body_bytes: int = 65_536
    sns_confirm: str = "no"
    """Whether subscriptions of Amazon SNS to an integration that checks its signature are confirmed
    without a person."""
    retention_days: int = 90
    retention_webhooks_days: int | None = None
    retention_messages_days: int | None = None
    retention_alerts_days: int | None = None
    retention_audit_days: int | None = None
    heartbeat_url: Secret | None = None
    """Called while this process does its work; another system notices when it stops."""
    heartbeat_interval_seconds: float = 60.0
    traces_url: Secret | None = None
    """Where spans are posted, by OTLP over HTTP; None: there are none."""
    traces_headers: Mapping[str, Secret] = field(default_factory=dict)
    """What the collector wants besides."""
    traces_share: float = 1.0
    """Of the webhooks whose senders say nothing of a trace."""
    log_format: str = "auto"
    log_level: str = "info"
    deliver_timeout_seconds: float = 15.0
    given: Mapping[str, Given] = field(default_factory=dict, repr=False, compare=False)
    """What was set, by field; the others are as they are here."""

    @property
    def base_url(self) -> str:
        """How others reach this installation; where nobody has said, by the address it listens on."""
        if self.public_url is not None:
            return self.public_url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def retention(self) -> dict[KeptHistory, int]:
        """For how many days each kind of history is kept."""
        given = {
            KeptHistory.WEBHOOKS: self.retention_webhooks_days,
            KeptHistory.MESSAGES: self.retention_messages_days,
            KeptHistory.ALERTS: self.retention_alerts_days,
            KeptHistory.AUDIT: self.retention_audit_days,
        }
        return {kind: given.get(kind) or self.retention_days for kind in KeptHistory}

    @property
    def retention_origins(self) -> dict[KeptHistory, str | None]:
        """Where that was set, of each kind; None: nowhere."""
        found: dict[KeptHistory, str | None] = {}
        for kind in KeptHistory:
            own = self.given.get(f"retention_{kind.value}_days") or self.given.get("retention_days")
            found[kind] = None if own is None else own.origin
        return found

    @property
    def spool_limit(self) -> int:
        """The embedded database is on the same disk, so what is kept there is as safe as it is in it;
        whether the data folder of a node with a database elsewhere lasts, only the operator knows."""
        if self.spool_bytes is not None:
            return self.spool_bytes
        return EMBEDDED_SPOOL_BYTES if self.database_url is None else 0

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
