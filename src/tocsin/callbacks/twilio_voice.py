"""Calls that come back through Twilio: the key that was pressed, and how the call ended."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response

from tocsin.alerts.actions import Actions
from tocsin.callbacks.acting import act, escalate
from tocsin.callbacks.reading import actor_of
from tocsin.callbacks.twilio_requests import About, TwilioRequests, refused, xml
from tocsin.delivery.channels.kit.twiml import spoken
from tocsin.delivery.channels.voice import ACKNOWLEDGE_KEY, ESCALATE_KEY, RESOLVE_KEY
from tocsin.model import Action, EventType, iso, utc_now
from tocsin.store.database import Engine
from tocsin.store.delivery_reports import Report, note_arrived, note_lost

log = structlog.get_logger(__name__)

NO_SUCH_KEY = "That key does nothing here."
CONFIRMED = "Thank you. Calls reach you."

_KEYS = {ACKNOWLEDGE_KEY: Action.ACKNOWLEDGE, RESOLVE_KEY: Action.RESOLVE}
_ENDS = {
    "busy": "the line was busy",
    "no-answer": "nobody picked up",
    "canceled": "it was called off",
    "failed": "the number could not be reached",
    # A mailbox picks up and presses nothing, and so does who does not wake up.
    "completed": "no key was pressed",
}


class VoiceCallbacks:
    def __init__(
        self, engine: Engine, database_url: str, actions: Actions, requests: TwilioRequests
    ) -> None:
        self._engine = engine
        self._database_url = database_url
        self._actions = actions
        self._requests = requests

    async def key(self, request: Request) -> Response:
        """A key that was pressed in a call: somebody is there."""
        place = f"/voice/{request.path_params['delivery_id']}"
        about = await self._requests.about_message(request, "voice", place)
        if about is None:
            return refused()
        pressed = about.form.get("Digits")[:1]
        if not pressed.isdigit():
            return xml(spoken(NO_SUCH_KEY))
        actor = actor_of(about.destination)
        report = Report(status=f"key {pressed}", at=iso(utc_now()), by=actor.name)
        await note_arrived(self._database_url, about.message.id, report)
        return xml(spoken(f"{await self._obey(about, pressed)} Goodbye."))

    async def ended(self, request: Request) -> Response:
        """How a call ended. Without a key it has reached nobody."""
        place = f"/voice/{request.path_params['delivery_id']}/ended"
        about = await self._requests.about_message(request, "voice", place)
        if about is None:
            return refused()
        status = about.form.get("CallStatus").lower()
        if (why := _ENDS.get(status)) is not None:
            name = about.destination.name
            report = Report(status=status, at=iso(utc_now()))
            if await note_lost(
                self._database_url,
                about.message.id,
                report,
                "not-answered",
                f"{name} was called, and reached nobody: {why}.",
            ):
                log.warning(
                    "a call reached nobody",
                    destination=name,
                    destination_id=str(about.destination.id),
                    alert_delivery_id=str(about.message.id),
                    reason=why,
                )
        return Response(status_code=204)

    async def _obey(self, about: About, pressed: str) -> str:
        if about.message.event_type == EventType.TEST:
            return CONFIRMED
        actor = actor_of(about.destination)
        where = (self._engine, self._actions, about.destination, about.message)
        if pressed == ESCALATE_KEY:
            return (await escalate(*where, actor)).text
        action = _KEYS.get(pressed)
        if action is None:
            return NO_SUCH_KEY
        return (await act(*where, action, actor)).text
