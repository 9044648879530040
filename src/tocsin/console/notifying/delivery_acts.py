"""What a person does to deliveries from a page: to one, to those that are ticked, to all that failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import Call, absent
from tocsin.model import AlertDeliveryStatus, iso
from tocsin.resources import deliveries, recording
from tocsin.resources.deliveries import CancelOutcome, NoSuchDelivery, RetryOutcome, StateRefuses
from tocsin.store import workspace_rows
from tocsin.store.tables import AlertDestination

MOST_TICKED = 200
MOST_AT_ONCE = 1_000
PERIODS = (("hour", 1), ("day", 24), ("7 days", 168))
"""In which what is to be sent again has failed: words and hours."""
_CHANGES: dict[str, tuple[Callable[..., Awaitable[RetryOutcome | CancelOutcome]], str]] = {
    "retry": (deliveries.retry, "retried"),
    "cancel": (deliveries.cancel, "canceled"),
}
_DONE = {"retry": "queued again", "cancel": "canceled"}


async def act_on_one(call: Call) -> Response:
    delivery_id: UUID = call.request.path_params["id"]
    here = f"/deliveries/{delivery_id}"
    chosen = _CHANGES.get((await call.form()).get("act", ""))
    if chosen is None:
        return go(here)
    change, action = chosen
    async with call.context.writing() as session:
        outcome = await change(session, call.visitor.workspace_id, delivery_id)
        if isinstance(outcome, NoSuchDelivery):
            return absent(call, "delivery", ("/deliveries", "All deliveries"))
        if isinstance(outcome, StateRefuses):
            return go(here, outcome.message)
        recording.record(
            session, call.visitor.principal, action, "alert_delivery", delivery_id, call.now
        )
    return go(here, f"{action.capitalize()}.")


async def act_on_several(call: Call) -> Response:
    """Those that are ticked, or all that failed; what became of them is said on the list."""
    fields = await call.fields()
    form = dict(fields)
    act = form.get("act", "")
    if act == "retry-failed":
        said = await _retry_failed(call, form)
    else:
        ids = [value for name, value in fields if name == "id"][:MOST_TICKED]
        said = await _change_ticked(call, act, ids)
    kept = {name: form[name] for name in ("status", "to") if form.get(name)}
    return go(f"/deliveries?{urlencode(kept)}" if kept else "/deliveries", said)


async def _change_ticked(call: Call, act: str, texts: list[str]) -> str:
    chosen = _CHANGES.get(act)
    ids = _read_ids(texts)
    if chosen is None or not ids:
        return "" if chosen is None else "None is ticked."
    change, action = chosen
    done, refused = 0, []
    async with call.context.writing() as session:
        # Always in the same order, so that two who do this at once do not wait for each other.
        for delivery_id in sorted(ids):
            outcome = await change(session, call.visitor.workspace_id, delivery_id)
            if isinstance(outcome, NoSuchDelivery):
                refused.append("It is gone.")
            elif isinstance(outcome, StateRefuses):
                refused.append(outcome.message)
            else:
                done += 1
                recording.record(
                    session, call.visitor.principal, action, "alert_delivery", delivery_id, call.now
                )
    words = f"{done} {_DONE[act]}"
    return f"{words}; {len(refused)} not: {refused[0]}" if refused else f"{words}."


def _read_ids(texts: list[str]) -> set[UUID]:
    found = set()
    for text in texts:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return found


async def _retry_failed(call: Call, form: Mapping[str, str]) -> str:
    hours = form.get("hours", "")
    known = {str(each) for _, each in PERIODS}
    since = call.now - timedelta(hours=int(hours) if hours in known else PERIODS[0][1])
    destination_id = next(iter(_read_ids([form.get("destination_id", "")])), None)
    workspace_id = call.visitor.workspace_id
    async with call.context.writing() as session:
        if destination_id is not None:
            row = await workspace_rows.find(session, AlertDestination, workspace_id, destination_id)
            if row is None:
                return "That destination is not there any more."
            if not row.is_enabled:
                return f"{row.name} is switched off: switch it on first."
        count = await deliveries.bulk_retry(
            session, workspace_id, since, call.now, destination_id, MOST_AT_ONCE
        )
        if count:
            recording.record(
                session,
                call.visitor.principal,
                "retried",
                "alert_destination",
                destination_id,
                call.now,
                after={"since": iso(since), "until": iso(call.now), "retried": count},
            )
    if not count:
        return "Nothing failed in that time, at destinations that are switched on."
    more = " These are the most at a time: press it again for the rest."
    return f"{count:,} queued again.{more if count == MOST_AT_ONCE else ''}"


def can_be_changed(status: AlertDeliveryStatus) -> bool:
    """Whether somebody may send it again or cancel it."""
    return status in (
        AlertDeliveryStatus.FAILED,
        AlertDeliveryStatus.CANCELED,
        AlertDeliveryStatus.QUEUED,
        AlertDeliveryStatus.DEFERRED,
    )
