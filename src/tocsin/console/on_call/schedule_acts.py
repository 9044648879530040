"""What a form on the page of a schedule does: somebody is on call instead, somebody is asked to be, and
what was changed by hand is undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.console.forms import forms
from tocsin.console.getting_in.door import Call
from tocsin.oncall.schedule import OverrideKind
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import left_out_words
from tocsin.oncall.wall_clock import earliest, latest
from tocsin.resources import schedule_overrides, schedule_previews, shift_swaps
from tocsin.resources.schedule_overrides import OverrideIn
from tocsin.resources.schedule_previews import PreviewIn, SchedulePreviewOut
from tocsin.resources.shift_swaps import SwapIn, SwapKind, SwapTaken
from tocsin.store.tables import StoredOverride

ASKED = {"give": SwapKind.GIVE, "exchange": SwapKind.EXCHANGE}
"""Who takes over: whoever offers to, for nothing or for a shift of theirs. That is a swap."""
NOBODY = "nobody"
BESIDES = "add"
"""Instead of whom: of nobody, but besides them."""

_SWAPS_ARE_WHOLE = "A swap is of the whole schedule: leave the layer out, or name who takes over."
_UNTIL_TAKEN = "Nothing changes until somebody takes it: everybody sees it on this page."


@dataclass(frozen=True, slots=True)
class TriedChange:
    """What a change by hand would do, in words. `words` of the effect, `notices` of what to mind."""

    span: Span
    words: Sequence[str]
    notices: Sequence[str] = ()
    gaps: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class ChangeByHand:
    """What the form came to: its faults by field, what it would do, or what was done (`said`), with the
    override that undoes it."""

    faults: Mapping[str, str] = field(default_factory=dict)
    tried: TriedChange | None = None
    said: str = ""
    override_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Times:
    """By the schedule's clock, as the API takes them."""

    document: Mapping[str, str]
    faults: Mapping[str, str]
    notices: Sequence[str]


async def change_by_hand(
    call: Call, schedule_id: UUID, timezone: str, form: Mapping[str, str]
) -> ChangeByHand:
    """Tries what the form says, or does it."""
    times = _read_times(form, timezone)
    if times.faults:
        return ChangeByHand(times.faults)
    change = await _changed(call, schedule_id, form, times)
    # The field is named as the page names it.
    plain = {
        name: words.replace("starts_at", "the beginning") for name, words in change.faults.items()
    }
    return replace(change, faults=plain)


async def _changed(
    call: Call, schedule_id: UUID, form: Mapping[str, str], times: _Times
) -> ChangeByHand:
    kind = ASKED.get(form.get("substitute_user_id", ""))
    if kind is not None and form.get("layer_id"):
        return ChangeByHand({"layer_id": _SWAPS_ARE_WHOLE})
    if kind is not None:
        return await _ask(call, schedule_id, kind, form, times)
    layer = {"layer_id": form["layer_id"]} if form.get("layer_id") else {}
    entered = forms.read(OverrideIn, {**times.document, **_people(form), **layer, **_comment(form)})
    if entered.body is None:
        return ChangeByHand(entered.faults)
    body = entered.body
    if form.get("act") == "try":
        tried = await forms.save(_preview(call, schedule_id, body))
        if tried.made is None:
            return ChangeByHand(tried.faults)
        notices = [*times.notices, *tried.made.notices]
        span = Span(body.starts_at or call.now, body.ends_at or call.now)
        change = TriedChange(span, tried.made.words, notices, tried.made.new_gaps)
        return ChangeByHand(tried=change)
    saved = await forms.save(_override(call, schedule_id, body))
    if saved.made is None:
        return ChangeByHand(saved.faults)
    return ChangeByHand(said="The override is in force.", override_id=saved.made.id)


def _people(form: Mapping[str, str]) -> dict[str, Any]:
    comes, leaves = form.get("substitute_user_id", ""), form.get("user_id", "")
    if comes == NOBODY:
        return {"kind": OverrideKind.REMOVE.value, "user_id": leaves or None}
    if leaves in ("", BESIDES):
        kind = OverrideKind.ADD if leaves else OverrideKind.COVER
        return {"kind": kind.value, "substitute_user_id": comes or None}
    return {
        "kind": OverrideKind.REPLACE.value,
        "user_id": leaves,
        "substitute_user_id": comes or None,
    }


def _comment(form: Mapping[str, str]) -> dict[str, str]:
    return {"comment": form.get("comment", "").strip()}


def _read_times(form: Mapping[str, str], timezone: str) -> _Times:
    zone = ZoneInfo(timezone)
    document: dict[str, str] = {}
    faults: dict[str, str] = {}
    notices = []
    for name in ("starts_at", "ends_at"):
        text = form.get(name, "")
        document[name] = text
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            continue
        if local.tzinfo is not None:
            continue
        if (words := left_out_words(local, timezone)) is not None:
            faults[name] = f"{words[:1].upper()}{words[1:]}."
            continue
        first, second = earliest(local, zone), latest(local, zone)
        document[name] = (first if name == "starts_at" else second).isoformat()
        if first != second:
            verb, which = ("begins", "first") if name == "starts_at" else ("ends", "second")
            notices.append(f"{local:%H:%M} comes twice on that day: it {verb} at the {which}.")
    return _Times(document, faults, notices)


async def _ask(
    call: Call, schedule_id: UUID, kind: SwapKind, form: Mapping[str, str], times: _Times
) -> ChangeByHand:
    document = {
        "schedule_id": str(schedule_id),
        "kind": kind.value,
        "user_id": form.get("user_id") or str(call.visitor.user_id),
        **times.document,
        **_comment(form),
    }
    entered = forms.read(SwapIn, document)
    if entered.body is None:
        return ChangeByHand(entered.faults)
    body = entered.body
    if form.get("act") == "try":
        span = Span(body.starts_at, body.ends_at)
        return ChangeByHand(tried=TriedChange(span, [_UNTIL_TAKEN], times.notices))

    async def create() -> bool:
        async with call.context.configuring() as session:
            await shift_swaps.create(session, call.visitor.principal, body, call.now)
        return True

    saved = await forms.save(create())
    if saved.made is None:
        return ChangeByHand(saved.faults)
    return ChangeByHand(said="It is asked: whoever takes it is on call then.")


async def _preview(call: Call, schedule_id: UUID, body: OverrideIn) -> SchedulePreviewOut:
    async with call.context.reading() as session:
        return await schedule_previews.preview(
            session, call.visitor.principal, schedule_id, PreviewIn(override=body), call.now
        )


async def _override(call: Call, schedule_id: UUID, body: OverrideIn) -> StoredOverride:
    caller = call.visitor.principal
    async with call.context.configuring() as session:
        row = await schedule_overrides.make(session, caller, schedule_id, body, call.now)
        await schedule_overrides.create(session, caller, row, call.now)
    return row


async def act_on_one(call: Call, form: Mapping[str, str]) -> str:
    """Undoes an override, takes a swap or calls one off; what was done, or why it was not."""
    act = form.get("act", "")
    try:
        id = UUID(form.get("id", ""))
    except ValueError:
        return "Nothing was changed."

    async def work() -> str:
        caller = call.visitor.principal
        async with call.context.configuring() as session:
            if act == "undo":
                await schedule_overrides.end(session, caller, id, call.now)
                return "Undone."
            if act == "take":
                await shift_swaps.take(session, caller, id, _taken(call, form), call.now)
                return "It is yours."
            await shift_swaps.cancel(session, caller, id, call.now)
        return "Called off."

    done = await forms.save(work())
    if done.made is None and "return_starts_at" in done.faults and not form.get("in_return"):
        return "Say which shift of yours you give in return."
    return done.made or forms.first(done.faults)


def _taken(call: Call, form: Mapping[str, str]) -> SwapTaken:
    """`in_return`: a time of one's own, as the list of them has it."""
    begin, _, end = form.get("in_return", "").partition("/")
    returned = {"return_starts_at": begin, "return_ends_at": end} if begin and end else {}
    body = forms.read(SwapTaken, {"user_id": str(call.visitor.user_id), **returned}).body
    return body or SwapTaken(user_id=call.visitor.user_id)
