"""What becomes of a mail: find whose token its recipient is, read it, commit it on the road of all
webhooks, and say so to the mail server that brought it, which keeps it until then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec
import structlog

from tocsin.ingest import metrics
from tocsin.ingest.body import Body
from tocsin.ingest.connection import PATIENCE_SECONDS
from tocsin.ingest.endpoint import Endpoint
from tocsin.ingest.inbound.mail.reading import read_mail
from tocsin.ingest.received_webhook import (
    Accepted,
    Answer,
    Declined,
    RefusalOutcome,
    Shown,
    Webhook,
)
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.sources.email import Email, subject_key, thread_key
from tocsin.model import Secret
from tocsin.store.database import Engine, reading
from tocsin.store.failures import is_away
from tocsin.store.queries.mail_threads import external_id_of_thread
from tocsin.turns import OwnersInTurn

log = structlog.get_logger(__name__)

_JSON: Final = {"content-type": "application/json"}
_encode = msgspec.json.Encoder().encode

UNKNOWN: Final = (
    "550 5.1.1 No integration takes mail at this address. The address of one is shown when it is"
    " made: tocsin integration create NAME --type email"
)
ELSEWHERE: Final = "550 5.7.1 Mail for that domain is not taken here"
AWAY: Final = "451 4.3.0 The database cannot be reached; send this again"
FULL: Final = "452 4.3.1 More arrives than there is memory for; send this again"
FAULT: Final = "451 4.3.0 This is a fault of the server's; send this again"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address that mail is taken for."""

    sender: Sender
    token: str
    tag: str | None


@dataclass(slots=True)
class MailTaker:
    """One per process. `domain`: what the addresses end in; `own_domain`: of the mails that this
    Tocsin sends."""

    webhooks: Endpoint
    senders: Senders
    engine: Engine
    domain: str
    own_domain: str | None
    _reader: OwnersInTurn = field(default_factory=lambda: OwnersInTurn("mail"))

    async def recipient(self, address: str) -> Recipient | str:
        """Whom an address names, or what the mail server is answered. An address is in either case:
        many mail servers change it."""
        local, _, domain = address.lower().rpartition("@")
        if domain != self.domain:
            return ELSEWHERE
        token, plus, tag = local.partition("+")
        if not token.isascii():
            return UNKNOWN
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                sender = await self.senders.find_holder(Email.type, Secret(token))
        except Exception as error:
            if not is_away(error):
                raise
            return AWAY
        if sender is None:
            metrics.UNKNOWN_RECIPIENTS.inc()
            return UNKNOWN
        return Recipient(sender, token, tag[:200] if plus and tag else None)

    async def take(self, recipients: list[Recipient], sender: str, content: bytes) -> str:
        """What the mail server is answered, once all is committed. A mail to several that one of them
        could not take is sent again to all, and is a duplicate for the others."""
        body = Body(self.webhooks.bodies)
        try:
            if not body.grows(len(content)):
                return FULL
            replies = [await self._take(each, sender, content) for each in recipients]
        except Exception as error:
            if is_away(error):
                return AWAY
            log.error("failed to take a mail", error=type(error).__name__, exc_info=error)
            metrics.FAULTS.inc()
            return FAULT
        finally:
            body.release()
        return max(replies, key=_by_urgency)

    async def note_too_large(self, recipients: list[Recipient], limit: int) -> None:
        """Put on record that a mail was larger than is taken."""
        for each in recipients:
            await self.webhooks.refuse_too_large(each.sender, dict(_JSON), limit)

    async def _take(self, recipient: Recipient, envelope_sender: str, content: bytes) -> str:
        document = await self._reader.do(
            recipient.sender.entry.workspace_id,
            read_mail,
            content,
            sender=envelope_sender,
            tag=recipient.tag,
            token=recipient.token,
            own_domain=self.own_domain,
        )
        if references := document.get("references"):
            document["thread"] = await self._thread(recipient.sender, references, document)
        shown = Shown(proof=Secret(recipient.token))
        taken = await self.webhooks.take(recipient.sender, dict(_JSON), _encode(document), shown)
        return _reply(*taken)

    async def _thread(
        self, sender: Sender, references: list[str], document: dict[str, object]
    ) -> str | None:
        """The external id of the alert that it answers to. A mail that answers one that is not on
        record is about the alert with its subject, or begins a thread."""
        by_root = thread_key(references)
        by_subject = subject_key(str(document.get("subject")), sender.kinds)
        keys = [key for key in (by_root, by_subject) if key is not None]
        async with asyncio.timeout(PATIENCE_SECONDS), reading(self.engine) as session:
            found = await external_id_of_thread(session, sender.id, references, keys)
        return found or by_root


def _by_urgency(reply: str) -> int:
    """Of several answers the one that brings the mail again goes first, then one that was given up."""
    return {"4": 2, "5": 1}.get(reply[0], 0)


def _reply(webhook: Webhook | None, answer: Answer) -> str:
    if isinstance(answer, Accepted):
        assert webhook is not None
        return (
            f"250 2.0.0 {answer.status.value.capitalize()}, on record as {UUID(bytes=webhook.id)}"
        )
    return _refusal(answer)


def _refusal(answer: Declined) -> str:
    # One line, in ASCII, within the 512 bytes of RFC 5321, 4.5.3.1.5.
    detail = " ".join(answer.detail.split()).encode("ascii", "replace").decode()[:400]
    if answer.outcome is RefusalOutcome.FAILED:
        return f"451 4.3.0 {detail}"
    if answer.outcome is RefusalOutcome.INVALID:
        return f"554 5.6.0 {detail}"
    return f"550 5.7.1 {detail}"
