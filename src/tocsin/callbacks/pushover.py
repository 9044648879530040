"""Pushover calls back once an emergency is acknowledged in its app.

It signs nothing, so the address says it all: the message, the link to acknowledge it, and the code that
goes with the link, which only who has the message knows (`delivery/channels/push.py`).
"""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from tocsin.access.link_codes import CodeCheck, check_code
from tocsin.access.links import LinkAction, LinkSigner, Token
from tocsin.alerts.actions import Actions
from tocsin.callbacks.acting import act
from tocsin.callbacks.reading import actor_of
from tocsin.model import Action, iso, utc_now
from tocsin.store.database import Engine, reading, writing
from tocsin.store.delivery_reports import Report, note_arrived
from tocsin.store.queries.callbacks import CallingDestination, SentMessage, find_sent

_ACKNOWLEDGING = (LinkAction.ACKNOWLEDGE, LinkAction.ACKNOWLEDGE_LISTED)


class PushoverCallbacks:
    def __init__(
        self, engine: Engine, database_url: str, signer: LinkSigner, actions: Actions
    ) -> None:
        self._engine = engine
        self._database_url = database_url
        self._signer = signer
        self._actions = actions

    async def acknowledged(self, request: Request) -> Response:
        found = await self._proved(request)
        if found is None:
            return Response("This address is not one of a message.\n", 403)
        destination, message = found
        actor = actor_of(destination)
        report = Report(status="acknowledged", at=iso(utc_now()), by=actor.name)
        await note_arrived(self._database_url, message.id, report)
        await act(self._engine, self._actions, destination, message, Action.ACKNOWLEDGE, actor)
        return Response(status_code=204)

    async def _proved(self, request: Request) -> tuple[CallingDestination, SentMessage] | None:
        """The message that is named, if link and code are its own."""
        path = request.path_params
        try:
            delivery_id = UUID(path["delivery_id"])
        except ValueError:
            return None
        token = self._signer.read(path["token"], utc_now())
        if not isinstance(token, Token) or token.action not in _ACKNOWLEDGING:
            return None
        async with reading(self._engine) as session:
            found = await find_sent(session, delivery_id)
        if found is None or found[0].type != "push":
            return None
        destination, message = found
        if (token.destination_id, token.subject_id) != (destination.id, message.subject_id):
            return None
        async with writing(self._engine) as session:
            check = await check_code(session, self._signer, path["token"], token, path["code"])
        return found if check is CodeCheck.RIGHT else None
