"""Settings from the environment and from `tocsin.toml`, checked once at start.

The environment wins over the file. Every fault is named at once, one line per setting, so that an
operator can fix them together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from tocsin.settings.file import SettingsFile, read_file
from tocsin.settings.names import CONFIG, NAMED, OTHERS, PREFIX, Setting
from tocsin.settings.readers import read_path
from tocsin.settings.shapes import Given, Settings


class SettingsError(Exception):
    """One or more settings are wrong; `faults` has one readable line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


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
    faults = _unknown(environ)
    file = settings_file(environ)
    faults.extend(file.faults)
    values: dict[str, object] = {}
    shown: dict[str, Given] = {}
    for named in NAMED:
        try:
            found = _given(named, environ, file)
            if found is not None:
                text, origin = found
                values[named.field] = _read(named, text, origin)
                shown[named.field] = Given(None if named.is_secret else text, origin)
        except ValueError as error:
            faults.append(str(error))
    faults.extend(_contradictions(values))
    if faults:
        raise SettingsError(faults)
    values.setdefault("data_dir", default_data_dir(environ))
    return Settings(**values, given=shown)  # type: ignore[arg-type]


def settings_file(environ: Mapping[str, str]) -> SettingsFile:
    """What the settings file says."""
    given = environ.get("TOCSIN_DATA_DIR")
    return read_file(environ, read_path(given) if given else default_data_dir(environ))


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = {CONFIG, *(named.name for named in NAMED)}
    known |= {f"{named.name}_FILE" for named in NAMED if named.is_secret}
    return [
        f"{name} is not a setting of Tocsin; see docs/operations/settings.md"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and not name.startswith(OTHERS)
    ]


def _given(
    named: Setting, environ: Mapping[str, str], file: SettingsFile
) -> tuple[str, str] | None:
    """The text of a setting and where it stands; None if it was not given, or is empty."""
    for source, where in ((environ, ""), (file.given, f"{file.path}: ")):
        label = named.name if source is environ else f"{where}{named.in_file}"
        text, path = source.get(named.name), source.get(f"{named.name}_FILE")
        if named.is_secret and path:
            by_file = f"{label}_FILE" if source is environ else f"{label}_file"
            if text is not None:
                raise ValueError(
                    f"{label} and {by_file.removeprefix(where)} are both set; keep one"
                )
            return _from_file(path, by_file), by_file
        if text:
            return text, label
    return None


def _from_file(path: str, label: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ValueError(f"{label}: cannot read {path}: {reason}") from None


def _read(named: Setting, text: str, label: str) -> object:
    try:
        return named.read(text)
    except ValueError as error:
        raise ValueError(f"{label} {error}") from None


def _contradictions(values: Mapping[str, object]) -> Iterator[str]:
    if values.get("database_url") is not None and "secret_keys" not in values:
        yield (
            "TOCSIN_SECRET_KEY must be set when TOCSIN_DATABASE_URL is: every node needs the same "
            "key to read the secrets; make one with `tocsin doctor --new-key`"
        )
    if values.get("smtp") is not None and "mail_from" not in values:
        yield "TOCSIN_MAIL_FROM must be set when TOCSIN_SMTP_URL is"
    if ("twilio_url" in values) != ("twilio_from" in values):
        yield "TOCSIN_TWILIO_URL and TOCSIN_TWILIO_FROM must be set together"
    if ("oidc_issuer" in values) != ("oidc_client_id" in values):
        yield "TOCSIN_OIDC_ISSUER and TOCSIN_OIDC_CLIENT_ID must be set together"
    if "oidc_issuer" in values and "public_url" not in values:
        yield (
            "TOCSIN_PUBLIC_URL must be set when TOCSIN_OIDC_ISSUER is: the provider sends people back "
            "to it"
        )
    kept = values.get("retention_days", Settings.retention_days)
    messages = values.get("retention_messages_days", kept)
    if values.get("retention_alerts_days", kept) < messages:  # type: ignore[operator]
        yield (
            f"TOCSIN_RETENTION_ALERTS_DAYS must be at least {messages}, as long as messages are kept"
            " (TOCSIN_RETENTION_MESSAGES_DAYS): an alert outlives its messages"
        )
    if values.get("mail_listen") is not None and "mail_domain" not in values:
        yield "TOCSIN_MAIL_DOMAIN must be set when TOCSIN_MAIL_LISTEN is"
    if values.get("mail_tls_key") is not None and "mail_tls_cert" not in values:
        yield "TOCSIN_MAIL_TLS_CERT must be set when TOCSIN_MAIL_TLS_KEY is"


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Take the secrets out, once they are read: what is started from here does not inherit them."""
    for named in NAMED:
        if named.is_secret:
            environ.pop(named.name, None)
