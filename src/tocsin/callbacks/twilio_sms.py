"""Text messages that come back through Twilio: replies that acknowledge, STOP, reports of arrival."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from tocsin.access.links import LinkSigner
from tocsin.alerts.actions import Actions
from tocsin.callbacks.acting import act, alerts_of
from tocsin.callbacks.reading import actor_of
from tocsin.callbacks.replies import Command, NotUnderstood, Overlooked, Stop, read_reply
from tocsin.callbacks.twilio_requests import Spoken, TwilioRequests, refused, xml
from tocsin.delivery.channels.kit.twiml import NOTHING, text_reply
from tocsin.model import iso, utc_now
from tocsin.store.database import DatabaseSession, Engine, reading, writing
from tocsin.store.delivery_reports import Report, note_arrived, note_lost
from tocsin.store.queries.callbacks import (
    CallingDestination,
    SentMessage,
    disable,
    sent_since,
)
from tocsin.store.queries.link_codes import count_try, forget_tries

log = structlog.get_logger(__name__)

REPLY_WITHIN = timedelta(days=7)
"""A code names what was sent since."""
_MOST_MESSAGES = 500
WRONG_REPLIES_ALLOWED = 5
"""In an hour; then nothing is answered: two machines do not talk forever, nor are codes tried."""
_FORGET_WRONG_AFTER = timedelta(hours=1)

HELP = "Not understood. Reply: ack CODE, or resolve CODE; the code stands in the message."
AMBIGUOUS = (
    "That code fits several alerts, so nothing was changed. Sign in and act on the right one: "
)
UNKNOWN = "No alert of the last days has that code. Reply: ack CODE."

_ARRIVED = frozenset({"delivered", "read"})
_LOST = frozenset({"undelivered", "failed"})
# Twilio's numbers for what became of a message on its way.
_REASONS = {
    "30003": "the phone is off or out of reach",
    "30004": "the phone blocks messages",
    "30005": "the number does not exist",
    "30006": "the number takes no text messages",
    "30007": "a carrier took it for spam",
    "30008": "a carrier gave no reason",
    "30034": "the sender's number is not registered for this country",
    "21610": "the phone has answered STOP",
}


@dataclass(frozen=True, slots=True)
class _Named:
    """A message that goes by a code; `is_live`: there is something left to do about it."""

    destination: CallingDestination
    message: SentMessage
    is_live: bool


class SmsCallbacks:
    def __init__(
        self,
        engine: Engine,
        database_url: str,
        signer: LinkSigner,
        actions: Actions,
        requests: TwilioRequests,
    ) -> None:
        self._engine = engine
        self._database_url = database_url
        self._signer = signer
        self._actions = actions
        self._requests = requests

    async def reply(self, request: Request) -> Response:
        """A text message from a phone that we send to."""
        spoken = await self._requests.from_phone(request, "sms", "/sms")
        if spoken is None:
            return refused()
        match read_reply(spoken.form.get("Body"), spoken.form.get("OptOutType")):
            case Stop():
                await self._stop(spoken)
                return xml(NOTHING)
            case Overlooked():
                return xml(NOTHING)
            case NotUnderstood():
                return xml(await self._not_understood(spoken, HELP))
            case Command() as command:
                return xml(await self._obey(spoken, command))

    async def report(self, request: Request) -> Response:
        """What became of a message after Twilio took it."""
        about = await self._requests.about_message(
            request, "sms", f"/sms/{request.path_params['delivery_id']}"
        )
        if about is None:
            return refused()
        status = about.form.get("MessageStatus").lower()
        number = about.form.get("ErrorCode")[:10]
        report = Report(status=status[:20], at=iso(utc_now()), code=number or None)
        if status in _ARRIVED:
            await note_arrived(self._database_url, about.message.id, report)
        elif status in _LOST:
            reason = _REASONS.get(
                number, f"error {number}" if number.isdigit() else "no reason given"
            )
            name = about.destination.name
            said = f"{name}: Twilio took it, and could not deliver it: {reason}."
            if await note_lost(self._database_url, about.message.id, report, "undelivered", said):
                log.error(
                    "a text message did not arrive",
                    destination=name,
                    destination_id=str(about.destination.id),
                    alert_delivery_id=str(about.message.id),
                    reason=reason,
                )
        return Response(status_code=204)

    async def _stop(self, spoken: Spoken) -> None:
        now = utc_now()
        async with writing(self._engine) as session:
            for each in spoken.destinations:
                because = "It answered STOP by text message."
                for stopped in await disable(session, [each], actor_of(each), because, now):
                    log.error(
                        "a destination was disabled: it answered STOP",
                        destination=stopped.name,
                        destination_id=str(stopped.id),
                    )

    async def _obey(self, spoken: Spoken, command: Command) -> str:
        now = utc_now()
        async with reading(self._engine) as session:
            named = [
                found
                for each in spoken.destinations
                for found in await self._named(session, each, command.code, now)
            ]
        if not named:
            return await self._not_understood(spoken, UNKNOWN)
        live = [found for found in named if found.is_live]
        if len(live) > 1:
            return await self._not_understood(spoken, AMBIGUOUS + self._requests.alerts_url)
        # Of what is over, the newest. Ids are made in the order of time.
        found = live[0] if live else max(named, key=lambda each: each.message.id)
        destination, message = found.destination, found.message
        if await self._count(destination, now) > WRONG_REPLIES_ALLOWED:
            return NOTHING
        async with writing(self._engine) as session:
            await forget_tries(session, _tries_of(destination))
        answered = await act(
            self._engine,
            self._actions,
            destination,
            message,
            command.action,
            actor_of(destination),
        )
        return text_reply(answered.text)

    async def _named(
        self, session: DatabaseSession, destination: CallingDestination, code: str, now: datetime
    ) -> list[_Named]:
        """What goes by the code, of all that was sent to it; each alert, or group of them, once."""
        given = code.encode()
        found: dict[UUID, _Named] = {}
        for message in await sent_since(session, destination, now - REPLY_WITHIN, _MOST_MESSAGES):
            subject = message.subject_id
            codes = self._signer.reply_codes(subject, destination.id)
            is_named = any(hmac.compare_digest(each.encode(), given) for each in codes)
            if is_named and subject not in found:
                alerts = await alerts_of(session, destination, message)
                is_live = any(alert.status.is_live for alert in alerts)
                found[subject] = _Named(destination, message, is_live)
        return list(found.values())

    async def _not_understood(self, spoken: Spoken, text: str) -> str:
        wrong = await self._count(spoken.destinations[0], utc_now())
        return NOTHING if wrong > WRONG_REPLIES_ALLOWED else text_reply(text)

    async def _count(self, destination: CallingDestination, now: datetime) -> int:
        async with writing(self._engine) as session:
            return await count_try(
                session,
                _tries_of(destination),
                now + _FORGET_WRONG_AFTER,
                most=WRONG_REPLIES_ALLOWED + 1,
            )


def _tries_of(destination: CallingDestination) -> UUID:
    return UUID(bytes=hashlib.sha256(b"replies\0" + destination.id.bytes).digest()[:16])
