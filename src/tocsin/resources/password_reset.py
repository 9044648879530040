"""A new password for somebody who forgot theirs: a link in a mail, which works once and not for long.

Whoever asks is answered the same, at once, whether the address is anybody's or not; what is to be sent
is looked up and sent afterwards. The link is in no queue and no record: only its hash is kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

import structlog

from tocsin.access.sessions import LinkPurpose, make_sign_in_link
from tocsin.access.tries import is_one_too_many
from tocsin.delivery.channels.kit import smtp
from tocsin.delivery.channels.kit.mail import FromAddress
from tocsin.model import Secret
from tocsin.settings import Settings, SmtpServer
from tocsin.store.database import DatabaseSession, Engine, writing
from tocsin.store.queries.sessions import find_person

log = structlog.get_logger(__name__)

LINK_LASTS = timedelta(minutes=30)
_COUNTED_FOR = timedelta(hours=1)
_MAILS_OF_AN_ADDRESS = 3
_ASKED_BY_A_CALLER = 20
_WAITS = (0.0, 10.0, 60.0)
"""Seconds before each attempt: somebody waits in front of it, and asks again if nothing comes."""
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class MailWay:
    """The mail server of this installation, and who its mails come from."""

    server: SmtpServer
    sender: FromAddress

    @classmethod
    def of(cls, settings: Settings) -> MailWay | None:
        """None where no mail can be sent."""
        if settings.smtp is None or settings.mail_from is None:
            return None
        return cls(settings.smtp, FromAddress.of(settings.mail_from))


async def may_ask(session: DatabaseSession, caller: str, now: datetime) -> bool:
    """Whether whoever calls from there may ask for one more; must be committed whatever comes of it."""
    until = now + _COUNTED_FOR
    return not await is_one_too_many(session, f"reset by {caller}", until, _ASKED_BY_A_CALLER)


async def send_reset(
    engine: Engine, way: MailWay, email: str, base_url: str, now: datetime
) -> None:
    """Mails the link, if the address is that of somebody who may sign in, and has not been sent many."""
    async with writing(engine) as session:
        counter = f"reset of {email.lower()}"
        too_many = await is_one_too_many(session, counter, now + _COUNTED_FOR, _MAILS_OF_AN_ADDRESS)
        person = None if too_many else await find_person(session, email)
        if person is None:
            return
        token = await make_sign_in_link(
            session, LinkPurpose.NEW_PASSWORD, person.id, now, lasts=LINK_LASTS
        )
    url = Secret(f"{base_url}/enter/{token.reveal_text()}")
    mail = _mail(way.sender, person.email, base_url, url, now)
    for wait in _WAITS:
        await asyncio.sleep(wait)
        if (trouble := await _hand_over(way, person.email, mail)) is None:
            return
        log.warning("cannot send a password reset mail", error=trouble)


async def _hand_over(way: MailWay, recipient: str, mail: bytes) -> str | None:
    """What went wrong; None if the server has taken it."""
    done = await smtp.hand_over(
        way.server,
        way.sender.address,
        {recipient: lambda: mail},
        seconds=_SECONDS,
        hostname=way.sender.domain,
    )
    if done.trouble is not None:
        return f"the mail server {done.trouble.message}"
    receipt = done.receipts.get(recipient)
    if receipt is None or receipt.state is not smtp.State.SENT:
        return "the mail server did not take it" if receipt is None else f"it said {receipt.code}"
    return None


def _mail(sender: FromAddress, recipient: str, base_url: str, url: Secret, now: datetime) -> bytes:
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = "A new password for Tocsin"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain=sender.domain)
    mail["Auto-Submitted"] = "auto-generated"
    minutes = int(LINK_LASTS.total_seconds()) // 60
    mail.set_content(
        f"Somebody, most likely you, asked for a new password for {recipient}\n"
        f"at {base_url}\n\n"
        f"Choose one here. The link works once, for {minutes} minutes:\n\n"
        f"{url.reveal_text()}\n\n"
        "If it was not you, do nothing: your password stays as it is.\n"
    )
    return mail.as_bytes()
