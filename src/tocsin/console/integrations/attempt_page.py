"""One attempt of a sender: what came, what was answered; and the same again, done or rehearsed."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.console.integrations.attempt_words import AttemptLine, verdict_of
from tocsin.ingest.replay import Replayed, Truncated, WebhookNotFound, replay
from tocsin.model import Role
from tocsin.resources.webhook_replays import (
    NOBODY_KNOWS_WHO,
    may_replay,
    record_replay,
    was_rejected,
)
from tocsin.store import workspace_rows
from tocsin.store.queries.webhook_deliveries import alert_ids_of_webhook, find_webhook_delivery
from tocsin.store.tables import Integration, WebhookDelivery

_SHOWN = 60_000


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route(
            "/integrations/{id:uuid}/attempts/{attempt:uuid}",
            opened(context, _attempt, role=Role.RESPONDER),
            methods=["GET", "POST"],
        ),
    ]


async def _attempt(call: Call) -> Response:
    """One attempt: what came, with which headers, what was answered; and again, as a rehearsal."""
    attempt_id: UUID = call.request.path_params["attempt"]
    context, workspace_id = call.context, call.visitor.workspace_id
    async with context.reading() as session:
        stored = await find_webhook_delivery(session, workspace_id, attempt_id)
        if stored is None or stored.delivery.integration_id != call.request.path_params["id"]:
            return absent(call, "attempt", ("/integrations", "All integrations"))
        row = await workspace_rows.find(
            session, Integration, workspace_id, stored.delivery.integration_id
        )
        alert_ids = await alert_ids_of_webhook(session, attempt_id)
    rehearsed = None
    if call.request.method == "POST":
        form = await call.form()
        if form.get("act") == "replay":
            said = await _replay(call, stored.delivery, form.get("accept_unverified") == "yes")
            return go(call.request.url.path, said)
        rehearsed = await _rehearse(call, attempt_id)
    return page(
        "attempt.html",
        call.frame("integrations"),
        row=row,
        attempt=AttemptLine(stored.delivery, *verdict_of(stored.delivery)),
        body=_readable(stored.body),
        alert_ids=alert_ids,
        rehearsed=rehearsed,
        is_rejected=was_rejected(stored.delivery),
        may_act=call.may(Role.RESPONDER),
        may_change=call.may(Role.ADMIN),
    )


async def _replay(call: Call, delivery: WebhookDelivery, accept_unverified: bool) -> str:
    """Does it again by today's settings; what became of it, in words."""
    context, caller = call.context, call.visitor.principal
    if not may_replay(caller, delivery, accept_unverified=accept_unverified):
        return f"{NOBODY_KNOWS_WHO} An admin who knows may accept it."
    outcome = await _done_again(call, delivery.id, dry_run=False)
    if not isinstance(outcome, Replayed):
        return "It cannot be done again: only the beginning of its body was kept."
    document = outcome.document()
    if outcome.webhook_delivery_id is None:
        return f"Not done: {document['detail'] or document['status']}."
    async with context.writing() as session:
        record_replay(session, caller, delivery, document, call.now)
    return f"Done again: {document['status']}."


async def _rehearse(call: Call, attempt_id: UUID) -> dict[str, Any]:
    """What it would give by today's settings; nothing is kept or sent."""
    outcome = await _done_again(call, attempt_id, dry_run=True)
    if isinstance(outcome, Replayed):
        return outcome.document()
    return {"status": "cannot be done again", "detail": "only the beginning of its body was kept"}


async def _done_again(
    call: Call, attempt_id: UUID, *, dry_run: bool
) -> Replayed | WebhookNotFound | Truncated:
    context = call.context
    async with context.reading() as session:
        return await replay(
            await session.connection(),
            context.senders,
            context.lanes,
            context.actions,
            workspace_id=call.visitor.workspace_id,
            webhook_delivery_id=attempt_id,
            dry_run=dry_run,
            now=call.now,
        )


def _readable(body: str) -> str:
    """The body as it came, set out over lines if it is JSON; a very long one is cut."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body[:_SHOWN]
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "\n…"
