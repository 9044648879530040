"""What services call back about the messages that they took: replies, keys, buttons, receipts.

Each proves itself as its service does it, over the bytes as they came; what it asks for is done by the
same actions as anywhere else, in the name of whose contact method it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.links import LinkSigner
from tocsin.access.vault import Vault
from tocsin.alerts.actions import Actions
from tocsin.callbacks.pushover import PushoverCallbacks
from tocsin.callbacks.slack import SlackCallbacks
from tocsin.callbacks.twilio_requests import TwilioRequests
from tocsin.callbacks.twilio_sms import SmsCallbacks
from tocsin.callbacks.twilio_voice import VoiceCallbacks
from tocsin.delivery.outbound import Outbound
from tocsin.settings import Settings
from tocsin.store import failures
from tocsin.store.database import Engine

log = structlog.get_logger(__name__)

Answer = Callable[[Request], Awaitable[Response]]


def create_callbacks(
    engine: Engine,
    database_url: str,
    vault: Vault,
    settings: Settings,
    signer: LinkSigner,
    actions: Actions,
    outbound: Outbound,
) -> Starlette:
    """The ASGI application to mount at `/callbacks`. Where no public URL is set nothing can call back,
    and nothing is answered."""
    public_url = settings.public_url
    if public_url is None:
        return Starlette()
    requests = TwilioRequests(engine, vault, settings.twilio, public_url)
    sms = SmsCallbacks(engine, database_url, signer, actions, requests)
    voice = VoiceCallbacks(engine, database_url, actions, requests)
    pushover = PushoverCallbacks(engine, database_url, signer, actions)
    slack = SlackCallbacks(engine, vault, actions, outbound)
    places: dict[str, Answer] = {
        "/twilio/sms": sms.reply,
        "/twilio/sms/{delivery_id}": sms.report,
        "/twilio/voice/{delivery_id}": voice.key,
        "/twilio/voice/{delivery_id}/ended": voice.ended,
        "/slack/interactions": slack.interaction,
        "/pushover/{delivery_id}/{token}/{code}": pushover.acknowledged,
    }
    return Starlette(
        routes=[Route(place, _surely(answer), methods=["POST"]) for place, answer in places.items()]
    )


def _surely(answer: Answer) -> Answer:
    """With 503 while the database is away: services ask again."""

    async def answer_or_later(request: Request) -> Response:
        try:
            return await answer(request)
        except failures.FAILED as error:
            log.warning(
                "a callback cannot be answered: the database is away", error=type(error).__name__
            )
            return Response("Not just now; try again.\n", 503, headers={"Retry-After": "5"})

    return answer_or_later
