"""What `tocsin doctor` looks at: each check is a function that answers with findings."""

from __future__ import annotations

import os
import smtplib
import ssl
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from tocsin.cli.checkup.findings import Finding, Health
from tocsin.cli.checkup.policy_check import policy_findings
from tocsin.cli.kit import keys
from tocsin.cli.kit.exits import Failure, readable
from tocsin.cli.kit.runtime import open_database
from tocsin.cli.server import serving
from tocsin.cli.server.server_file import running_server
from tocsin.settings import settings_file
from tocsin.settings.file import holds_secrets

if TYPE_CHECKING:
    from tocsin.cli.server.control import Answers
    from tocsin.settings import Settings, SmtpServer

_OLDEST_POSTGRESQL = 150_000
_CLOCK_SECONDS = 5.0
_SMTP_SECONDS = 10.0

# CVE-2024-6923 (encoded line ends in headers) and CVE-2026-1299 (its sequel in BytesGenerator):
# the first release of each minor version that has both fixed.
_FIXED_EMAIL = {(3, 11): (3, 11, 15), (3, 12): (3, 12, 13)}


def examine(settings: Settings, url: str | None = None) -> Iterator[Finding]:
    """Every check, one after the other; slow ones answer when they have looked. `url` is that of
    the database where it is open already."""
    yield _python()
    yield from _settings_file()
    yield from _data_folder(settings)
    yield _key(settings)
    yield from _database(settings, url)
    yield from _spool(settings)
    yield _listening(settings)
    yield _public_url(settings)
    yield _mail(settings)
    yield _outbound(settings)


def answers(settings: Settings, url: str) -> Answers:
    """What a running server answers when it is asked how it finds itself."""

    def doctor() -> list[dict[str, str | None]]:
        return [finding.document() for finding in examine(settings, url)]

    return {"doctor": doctor}


def _settings_file() -> Iterator[Finding]:
    file = settings_file(os.environ)
    if not file.exists:
        return
    if stat.S_IMODE(os.stat(file.path).st_mode) & 0o077 and holds_secrets(file):
        yield Finding(
            "settings file",
            Health.NOTE,
            f"{file.path} holds secrets, and others than its owner may read it",
            f"chmod 600 {file.path}",
        )
    else:
        yield Finding("settings file", Health.OK, str(file.path))


def _python() -> Finding:
    version = sys.version.split()[0]
    fixed = _FIXED_EMAIL.get(sys.version_info[:2])
    if fixed is not None and sys.version_info[:3] < fixed:
        return Finding(
            "Python",
            Health.NOTE,
            f"{version}: its mail library lets crafted text forge headers; Tocsin guards against "
            "it by itself",
            f"move to Python {'.'.join(map(str, fixed))} or later when you can",
        )
    return Finding("Python", Health.OK, version)


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        found = folder.stat()
    except FileNotFoundError:
        yield Finding("data folder", Health.OK, f"{folder} is made at the first start")
        return
    except OSError as error:
        yield Finding(
            "data folder",
            Health.WRONG,
            f"{folder}: {error.strerror}",
            "run tocsin as the folder's owner, or set TOCSIN_DATA_DIR",
        )
        return
    if not stat.S_ISDIR(found.st_mode) or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "data folder",
            Health.WRONG,
            f"{folder} is not a folder that can be written",
            "run tocsin as its owner, or set TOCSIN_DATA_DIR",
        )
        return
    if found.st_mode & 0o022:
        yield Finding(
            "data folder",
            Health.WRONG,
            f"others may write in {folder}",
            f"chmod go-w {folder}",
        )
        return
    yield Finding("data folder", Health.OK, str(folder))


def _key(settings: Settings) -> Finding:
    path = settings.data_dir / keys.FILE
    if settings.secret_keys:
        count = len(settings.secret_keys)
        return Finding("secret key", Health.OK, f"TOCSIN_SECRET_KEY holds {count}")
    try:
        found = keys.configured(settings)
    except Failure as failure:
        return Finding("secret key", Health.WRONG, failure.lines[0])
    if found is None and os.path.exists(settings.data_dir / "postgres"):
        return Finding("secret key", Health.NOTE, f"{path} is not there")
    if found is None:
        return Finding("secret key", Health.OK, f"{path} is made at the first start")
    if path.stat().st_mode & 0o077:
        return Finding("secret key", Health.WRONG, f"others may read {path}", f"chmod 600 {path}")
    return Finding(
        "secret key", Health.OK, f"{path}; a backup of the database is of no use without it"
    )


def _database(settings: Settings, opened: str | None) -> Iterator[Finding]:
    from tocsin.store.installation import server_facts

    kind = "embedded PostgreSQL" if settings.database_url is None else "PostgreSQL"
    try:
        is_new = settings.database_url is None and not (settings.data_dir / "postgres").exists()
    except OSError as error:
        yield Finding(kind, Health.WRONG, f"{error.filename}: {error.strerror}")
        return
    if is_new:
        yield Finding(kind, Health.OK, "is made at the first start")
        return
    with ExitStack() as stack:
        try:
            url = opened or stack.enter_context(open_database(settings))
            facts = readable(partial(server_facts, url))
        except Failure as failure:
            yield Finding(kind, Health.WRONG, failure.lines[0])
            return
        if facts["version"] < _OLDEST_POSTGRESQL:
            yield Finding(kind, Health.WRONG, facts["name"], "Tocsin needs PostgreSQL 15 or later")
            return
        yield Finding(kind, Health.OK, f"{facts['name']} answers")
        yield _clock(facts["now"])
        schema = _schema(url)
        yield schema
        if schema.health is Health.OK:
            yield _search(url)
            yield _secrets(settings, url)
            yield from policy_findings(url)


def _clock(theirs: datetime) -> Finding:
    apart = (datetime.now(UTC) - theirs).total_seconds()
    if abs(apart) > _CLOCK_SECONDS:
        return Finding(
            "clock",
            Health.WRONG,
            f"this machine and the database are {abs(apart):.0f} s apart",
            "let both follow a time server; webhooks with a signed time would be refused",
        )
    return Finding("clock", Health.OK, f"within {max(abs(apart), 0.1):.1f} s of the database")


def _schema(url: str) -> Finding:
    from tocsin.store.migrate import check

    try:
        differences = readable(partial(check, url))
    except Failure as failure:
        return Finding("schema", Health.WRONG, failure.lines[0])
    if not differences:
        return Finding("schema", Health.OK, "as this program has it")
    if all(each.startswith("pending:") for each in differences):
        return Finding(
            "schema", Health.NOTE, f"{len(differences)} to apply", "the next start applies them"
        )
    return Finding(
        "schema",
        Health.WRONG,
        f"differs from this program's: {'; '.join(differences[:3])}",
        "tocsin migrate --check lists all of it",
    )


def _search(url: str) -> Finding:
    from tocsin.store.installation import finds_words

    if finds_words(url):
        return Finding("search", Health.OK, "words of alerts are found by an index")
    return Finding(
        "search",
        Health.NOTE,
        "the extension pg_trgm is not there: among very many alerts, looking for words is slow",
        "CREATE EXTENSION pg_trgm in Tocsin's database; the running server does the rest within "
        "the hour",
    )


def _secrets(settings: Settings, url: str) -> Finding:
    """Opens every value that is encrypted in the database."""
    from tocsin.store.installation import sealed_values

    sealed = sealed_values(url)
    if not sealed:
        return Finding("stored secrets", Health.OK, "none yet")
    try:
        found = keys.configured(settings)
    except Failure as failure:
        return Finding("stored secrets", Health.WRONG, failure.lines[0])
    if found is None:
        return Finding(
            "stored secrets",
            Health.WRONG,
            f"{len(sealed)} are encrypted with a key that is gone: "
            f"{settings.data_dir / keys.FILE} is not there",
            "restore that file from a backup, or set TOCSIN_SECRET_KEY",
        )
    closed = [f"{each.owner} in {each.workspace}" for each in keys.closed(sealed, found)]
    if not closed:
        return Finding("stored secrets", Health.OK, f"all {len(sealed)} can be opened")
    return Finding(
        "stored secrets",
        Health.WRONG,
        f"{len(closed)} of {len(sealed)} cannot be opened with the keys there are: "
        + ", ".join(closed),
        "add the key they were encrypted with to TOCSIN_SECRET_KEY, or rotate the integration's "
        "secret and enter the destination's again",
    )


def _spool(settings: Settings) -> Iterator[Finding]:
    from tocsin.ingest.spool.segments import lying_in

    limit = settings.spool_limit
    try:
        found = lying_in(settings.data_dir)
    except OSError as error:
        yield Finding("spool", Health.WRONG, f"{error.filename}: {error.strerror}")
        return
    if found.damaged:
        yield Finding(
            "spool",
            Health.WRONG,
            f"webhooks that cannot be read are in {', '.join(map(str, found.damaged))}",
            "see the log of the time; with the TOCSIN_SECRET_KEY of then, rename them to .spool and "
            "restart the server, else look at the disk and remove them",
        )
    if found.size:
        yield Finding(
            "spool",
            Health.NOTE,
            f"{found.size:,} bytes of webhooks wait for the database",
            "the server commits them when the database is back; let it run",
        )
    elif limit:
        yield Finding("spool", Health.OK, f"empty; takes {limit:,} bytes of webhooks per process")
    else:
        yield Finding(
            "spool",
            Health.OK,
            "off: webhooks are answered 503 while the database is away; TOCSIN_SPOOL_BYTES "
            "keeps them on this disk",
        )


def _listening(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    if (url := running_server(settings.data_dir)) is not None:
        return Finding("server", Health.OK, f"running at {url}")
    try:
        serving.listen(settings.host, settings.port).close()
    except serving.PortTaken:
        return Finding(
            "server",
            Health.NOTE,
            f"not running on this data folder, and {where} is taken",
            "set TOCSIN_PORT, or start it with --port",
        )
    except OSError as error:
        return Finding(
            "server",
            Health.WRONG,
            f"cannot listen on {where}: {error.strerror or error}",
            "set TOCSIN_HOST to an address of this machine",
        )
    return Finding("server", Health.OK, f"not running; {where} is free")


def _public_url(settings: Settings) -> Finding:
    if settings.public_url is None:
        return Finding(
            "public URL",
            Health.NOTE,
            "not set: links in messages lead to this machine only",
            "set TOCSIN_PUBLIC_URL to how people reach this installation",
        )
    return Finding("public URL", Health.OK, settings.public_url)


def _mail(settings: Settings) -> Finding:
    if settings.smtp is None:
        return Finding("mail", Health.OK, "not set up; TOCSIN_SMTP_URL sets it up")
    where = f"{settings.smtp.host}:{settings.smtp.port}"
    try:
        _greet(settings.smtp)
    except (OSError, smtplib.SMTPException) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Finding(
            "mail", Health.WRONG, f"{where}: {said}", "check TOCSIN_SMTP_URL and the mail server"
        )
    return Finding("mail", Health.OK, f"{where} takes our login and our TLS")


def _greet(server: SmtpServer) -> None:
    """As a delivery would begin, up to where a mail would follow.

    Raises:
        OSError, smtplib.SMTPException: as far as it came.
    """
    context = ssl.create_default_context()
    with ExitStack() as stack:
        if server.implicit_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=_SMTP_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=_SMTP_SECONDS)
        stack.enter_context(connection)
        if not server.implicit_tls and not server.plaintext:
            connection.starttls(context=context)
        if server.username is not None and server.password is not None:
            connection.login(server.username, server.password.reveal_text())


def _outbound(settings: Settings) -> Finding:
    allowed = settings.outbound_allow
    if not allowed:
        return Finding("outgoing", Health.OK, "to public addresses only")
    named = ", ".join(map(str, allowed))
    widest = min(network.prefixlen for network in allowed)
    if widest == 0:
        return Finding(
            "outgoing",
            Health.WRONG,
            f"TOCSIN_OUTBOUND_ALLOW lets messages go anywhere ({named})",
            "name the networks your receivers are in",
        )
    return Finding("outgoing", Health.OK, f"to public addresses, and {named}")
