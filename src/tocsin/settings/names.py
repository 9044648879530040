"""The settings by their names in the environment, which are those in the file without `TOCSIN_`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tocsin.settings.readers import (
    choice,
    integer,
    number,
    parse_secret_keys,
    read_database_url,
    read_domain,
    read_group_roles,
    read_headers,
    read_http_url,
    read_issuer,
    read_listen,
    read_mail_from,
    read_networks,
    read_path,
    read_public_url,
    read_scopes,
    read_secret,
    read_smtp,
    read_text,
    read_twilio_url,
)

PREFIX: Final = "TOCSIN_"
CONFIG: Final = "TOCSIN_CONFIG"
"""Where the settings file is, if not in the data folder."""

# Set by the test suite and the build, or for commands that ask a server elsewhere; no settings of
# the server's.
OTHERS: Final = ("TOCSIN_VECTORS", "TOCSIN_TEST_", "TOCSIN_CHROMIUM", "TOCSIN_API_KEY")


@dataclass(frozen=True)
class Setting:
    """One setting: its name in the environment, its field of `Settings`, and how it is read. A
    secret may also come as `…_FILE`."""

    name: str
    field: str
    read: Callable[[str], object]
    is_secret: bool = False

    @property
    def in_file(self) -> str:
        return self.name.removeprefix(PREFIX).lower()


NAMED: Final = (
    Setting("TOCSIN_DATABASE_URL", "database_url", read_database_url, is_secret=True),
    Setting("TOCSIN_SECRET_KEY", "secret_keys", parse_secret_keys, is_secret=True),
    Setting("TOCSIN_DATA_DIR", "data_dir", read_path),
    Setting("TOCSIN_HOST", "host", read_text),
    Setting("TOCSIN_PORT", "port", integer(0, 65_535)),
    Setting("TOCSIN_PUBLIC_URL", "public_url", read_public_url),
    Setting("TOCSIN_OUTBOUND_ALLOW", "outbound_allow", read_networks),
    Setting("TOCSIN_SMTP_URL", "smtp", read_smtp, is_secret=True),
    Setting("TOCSIN_MAIL_FROM", "mail_from", read_mail_from),
    Setting("TOCSIN_TWILIO_URL", "twilio_url", read_twilio_url, is_secret=True),
    Setting("TOCSIN_TWILIO_FROM", "twilio_from", read_text),
    Setting("TOCSIN_OIDC_ISSUER", "oidc_issuer", read_issuer),
    Setting("TOCSIN_OIDC_CLIENT_ID", "oidc_client_id", read_text),
    Setting("TOCSIN_OIDC_CLIENT_SECRET", "oidc_client_secret", read_secret, is_secret=True),
    Setting("TOCSIN_OIDC_NAME", "oidc_name", read_text),
    Setting("TOCSIN_OIDC_SCOPES", "oidc_scopes", read_scopes),
    Setting("TOCSIN_OIDC_GROUPS_CLAIM", "oidc_groups_claim", read_text),
    Setting("TOCSIN_OIDC_ROLES", "oidc_roles", read_group_roles),
    Setting("TOCSIN_OIDC_UNVERIFIED_EMAIL", "oidc_unverified_email", choice("yes", "no")),
    Setting("TOCSIN_MAIL_LISTEN", "mail_listen", read_listen),
    Setting("TOCSIN_MAIL_DOMAIN", "mail_domain", read_domain),
    Setting("TOCSIN_MAIL_TLS_CERT", "mail_tls_cert", read_path),
    Setting("TOCSIN_MAIL_TLS_KEY", "mail_tls_key", read_path),
    Setting("TOCSIN_MAIL_MAX_BYTES", "mail_max_bytes", integer(65_536, 67_108_864)),
    Setting("TOCSIN_MAX_BODY_BYTES", "max_body_bytes", integer(1_024, 67_108_864)),
    Setting("TOCSIN_BODY_TIMEOUT_SECONDS", "body_timeout_seconds", number(0.1, 600)),
    Setting("TOCSIN_INGEST_QUEUE_LIMIT", "ingest_queue_limit", integer(1, 1_000_000)),
    Setting("TOCSIN_INGEST_BODY_BYTES", "ingest_body_bytes", integer(1_048_576, 2**40)),
    Setting("TOCSIN_SPOOL_BYTES", "spool_bytes", integer(0, 2**40)),
    Setting("TOCSIN_RATE_LIMIT_PER_SECOND", "rate_limit_per_second", number(0.001, 1_000_000)),
    Setting("TOCSIN_REJECTED_KEEP", "rejected_keep", integer(0, 1_000_000)),
    Setting("TOCSIN_REJECTED_BODY_BYTES", "rejected_body_bytes", integer(0, 1_048_576)),
    Setting("TOCSIN_SNS_CONFIRM", "sns_confirm", choice("yes", "no")),
    Setting("TOCSIN_RETENTION_DAYS", "retention_days", integer(1, 36_500)),
    Setting("TOCSIN_RETENTION_WEBHOOKS_DAYS", "retention_webhooks_days", integer(1, 36_500)),
    Setting("TOCSIN_RETENTION_MESSAGES_DAYS", "retention_messages_days", integer(1, 36_500)),
    Setting("TOCSIN_RETENTION_ALERTS_DAYS", "retention_alerts_days", integer(1, 36_500)),
    Setting("TOCSIN_RETENTION_AUDIT_DAYS", "retention_audit_days", integer(1, 36_500)),
    Setting("TOCSIN_HEARTBEAT_URL", "heartbeat_url", read_http_url, is_secret=True),
    Setting("TOCSIN_HEARTBEAT_INTERVAL_SECONDS", "heartbeat_interval_seconds", number(10, 86_400)),
    Setting("TOCSIN_TRACES_URL", "traces_url", read_http_url, is_secret=True),
    Setting("TOCSIN_TRACES_HEADERS", "traces_headers", read_headers, is_secret=True),
    Setting("TOCSIN_TRACES_SHARE", "traces_share", number(0, 1)),
    Setting("TOCSIN_LOG_FORMAT", "log_format", choice("auto", "json", "console")),
    Setting("TOCSIN_LOG_LEVEL", "log_level", choice("debug", "info", "warning", "error")),
    Setting("TOCSIN_DELIVER_TIMEOUT_SECONDS", "deliver_timeout_seconds", number(0.1, 120)),
)
