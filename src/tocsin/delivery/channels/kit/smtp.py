"""Handing mails to the operator's mail server: one connection, one transaction per recipient.

One transaction each gives every recipient a result of their own, a body of their own (links are
personal) and no sight of the others. TLS is never optional by accident: `smtps://` begins with it,
`smtp://` demands STARTTLS, and only `?tls=none` does without.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiosmtplib

from tocsin.delivery.channels.kit.escape import one_line
from tocsin.settings import SmtpServer


class State(StrEnum):
    SENT = "sent"
    REFUSED = "refused"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the server said of one recipient: reply code, enhanced code (RFC 3463), its words."""

    state: State
    code: int
    text: str

    def document(self) -> dict[str, Any]:
        return {"state": self.state.value, "code": self.code, "text": self.text}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the rest could not be tried. `everyone`: it concerns all mail, not this one."""

    code: str
    message: str
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    receipts: Mapping[str, Receipt]
    trouble: Trouble | None = None


async def hand_over(
    server: SmtpServer,
    sender: str,
    mails: Mapping[str, Callable[[], bytes]],
    *,
    seconds: float,
    hostname: str,
    tls: ssl.SSLContext | None = None,
) -> Handover:
    """Send each recipient their mail, built when its turn comes. Ends within `seconds`; a
    recipient without a receipt was not tried, or the outcome is unknown."""
    receipts: dict[str, Receipt] = {}
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.implicit_tls,
        start_tls=not (server.implicit_tls or server.plaintext),
        tls_context=tls,
        username=server.username,
        password=server.password.reveal_text() if server.password else None,
        local_hostname=hostname,
        timeout=seconds,
    )
    try:
        async with asyncio.timeout(seconds):
            await client.connect()
            for recipient, build in mails.items():
                receipts[recipient] = await _transaction(client, sender, recipient, build())
            trouble = None
    except TimeoutError:
        trouble = Trouble("timeout", "did not answer in time")
    except _Everyone as refused:
        trouble = _answered_to_all(refused.code, refused.text)
    except aiosmtplib.SMTPResponseException as error:
        trouble = _answered_to_all(error.code, error.message)
    except (aiosmtplib.SMTPException, OSError) as error:
        trouble = _broken(error)
    finally:
        # A lost answer to QUIT is no error: what was taken is taken.
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            if client.is_connected:
                await client.quit(timeout=1)
        client.close()
    return Handover(receipts, trouble)


class _Everyone(Exception):
    """A reply that concerns the whole connection, met within a transaction."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


async def _transaction(
    client: aiosmtplib.SMTP, sender: str, recipient: str, mail: bytes
) -> Receipt:
    try:
        _, said = await client.sendmail(sender, [recipient], mail)
    except aiosmtplib.SMTPRecipientsRefused as error:
        refused = error.recipients[0]
        return _receipt(refused.code, refused.message)
    except aiosmtplib.SMTPSenderRefused as error:
        raise _Everyone(error.code, error.message) from None
    except aiosmtplib.SMTPDataError as error:
        return _receipt(error.code, error.message)
    return Receipt(State.SENT, 250, one_line(said, 200))


# Login needed or refused, and Exchange Online's "basic authentication is disabled".
_LOGIN_CODES = (530, 534, 535)
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


def _receipt(code: int, text: str) -> Receipt:
    # 421: the server is closing; a login problem may show as late as here. Neither is about the
    # recipient.
    enhanced = _ENHANCED.match(text)
    if code == 421 or code in _LOGIN_CODES or (enhanced and enhanced[1] == "5.7.30"):
        raise _Everyone(code, text)
    state = State.DEFERRED if 400 <= code < 500 else State.REFUSED
    return Receipt(state, code, one_line(text, 200))


def _answered_to_all(code: int, text: str) -> Trouble:
    if code in _LOGIN_CODES:
        name = "mail-login-refused"
    else:
        name = "mail-server-busy" if 400 <= code < 500 else "mail-server-refused"
    return Trouble(name, f"said {code} {one_line(text, 200)}", everyone=True)


def _broken(error: BaseException) -> Trouble:
    """Our words for a connection that failed before or between transactions."""
    causes: list[BaseException | None] = [error, error.__cause__, error.__context__]
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Trouble("tls-certificate", "showed a TLS certificate that is not valid", True)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Trouble("tls-failed", "could not agree on a TLS connection", True)
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return Trouble("timeout", "did not answer in time")
    if isinstance(error, aiosmtplib.SMTPConnectError):
        return Trouble("unreachable", "could not be reached", True)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | OSError):
        return Trouble("connection-lost", "closed the connection")
    # Both are plain SMTPException, distinguished by their text only.
    if "starttls extension" in str(error).lower():
        return Trouble(
            "mail-not-encrypted",
            "offers no STARTTLS, so nothing was sent; use smtps://, or ?tls=none if mail may go "
            "in clear",
            True,
        )
    if "auth" in str(error).lower():
        return Trouble("mail-login-refused", "offers no login that can be used", True)
    return Trouble("mail-server-refused", "speaks no SMTP that can be used", True)
