"""What a change of a schedule, or an override, would do: nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.model import Fault
from tocsin.oncall.changes import UserChange, compare, in_words
from tocsin.oncall.resolve import resolve
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import is_too_much
from tocsin.resources import schedule_overrides, schedules
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import Id, Input, Output, Time, example
from tocsin.resources.owned import owned
from tocsin.resources.schedule_overrides import OverrideIn
from tocsin.resources.schedule_shapes import ScheduleIn, SchedulePatch, TimeSpanOut
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.schedules import names_of
from tocsin.store.queries.users import disabled_among, reachable_among
from tocsin.store.tables import StoredSchedule

GAPS_AHEAD = timedelta(days=60)
"""So far is looked ahead for what changes, and for gaps."""


class UserChangeOut(Output):
    user_id: Id
    name: str
    seconds: int
    items: list[TimeSpanOut]


class SchedulePreviewOut(Output):
    has_effect: bool
    since: Time
    until: Time
    words: Annotated[list[str], Field(description="The same for people, in the schedule's zone")]
    notices: Annotated[
        list[str], Field(description="Who would be on call, and cannot be paged; in words")
    ]
    gains: list[UserChangeOut]
    losses: list[UserChangeOut]
    new_gaps: list[TimeSpanOut]
    closed_gaps: list[TimeSpanOut]
    gaps: Annotated[list[TimeSpanOut], Field(description="All that there will be")]


class PreviewIn(Input):
    """One of the two: a change of the schedule, or an override that is not made yet."""

    change: SchedulePatch | None = None
    override: OverrideIn | None = None

    model_config = example({"change": {"timezone": "Europe/Vienna"}})


async def preview(
    session: DatabaseSession,
    caller: Principal,
    schedule_id: UUID,
    body: PreviewIn,
    now: datetime,
) -> SchedulePreviewOut:
    """The session must not be committed.

    Raises:
        NotInWorkspace: there is no such schedule.
        InvalidRequest, MissingReference: as the change itself would.
    """
    if (body.change is None) == (body.override is None):
        raise InvalidRequest([Fault("", "one-of", "give a change or an override, one of the two")])
    row = await owned(session, StoredSchedule, caller, schedule_id)
    span = Span(now, now + GAPS_AHEAD)
    before = await schedules.load(session, caller, schedule_id, *span)
    if body.change is not None:
        after = await schedules.tried(session, caller, row, body.change, before, now)
    else:
        assert body.override is not None
        made = await schedule_overrides.make(session, caller, schedule_id, body.override, now)
        after = schedule_overrides.with_override(before, made)
        span = Span(now, max(span.ends_at, made.ends_at))
        before = await schedules.load(session, caller, schedule_id, *span)
        after = schedule_overrides.with_override(before, made)
    return await _shown(session, caller, before, after, span, row.timezone)


async def preview_new(
    session: DatabaseSession, caller: Principal, body: ScheduleIn, now: datetime
) -> SchedulePreviewOut:
    """The same of a schedule that is not there yet."""
    row = schedules.make(caller, body, now)
    await schedules.check_references(session, caller, row)
    before = OnCallSchedule(row.id, ())
    after = OnCallSchedule(row.id, (schedules.configured(row),))
    return await _shown(session, caller, before, after, Span(now, now + GAPS_AHEAD), row.timezone)


async def _shown(
    session: DatabaseSession,
    caller: Principal,
    before: OnCallSchedule,
    after: OnCallSchedule,
    span: Span,
    timezone: str,
) -> SchedulePreviewOut:
    if is_too_much(after, span):
        raise InvalidRequest([Fault("", "too-many-shifts", "it has too many shifts to compare")])
    change = compare(before, after, span)
    users = {each.user for each in (*change.gains, *change.losses)}
    names = await names_of(session, users)
    return SchedulePreviewOut(
        has_effect=change.has_effect,
        since=span.starts_at,
        until=span.ends_at,
        words=in_words(change, names, timezone),
        notices=await _notices(session, caller, after, span),
        gains=[_user_change(each, names.get(each.user, "")) for each in change.gains],
        losses=[_user_change(each, names.get(each.user, "")) for each in change.losses],
        new_gaps=shown_spans(change.new_gaps),
        closed_gaps=shown_spans(change.closed_gaps),
        gaps=shown_spans(change.gaps),
    )


async def _notices(
    session: DatabaseSession, caller: Principal, schedule: OnCallSchedule, span: Span
) -> list[str]:
    """Of those who have turns, whom no page would reach in them."""
    users = {shift.user for shift in resolve(schedule, *span) if shift.user is not None}
    disabled = await disabled_among(session, users)
    silent = users - disabled - await reachable_among(session, caller.workspace_id, users)
    names = await names_of(session, disabled | silent)
    words = [f"{names[each]} is disabled: nobody is paged in their turns." for each in disabled]
    words += [
        f"{names[each]} has no contact method that is verified and enabled: no page reaches them."
        for each in silent
    ]
    return sorted(words)


def _user_change(change: UserChange, name: str) -> UserChangeOut:
    return UserChangeOut(
        user_id=change.user,
        name=name,
        seconds=round(change.length.total_seconds()),
        items=shown_spans(change.spans),
    )


def shown_spans(spans: Sequence[Span]) -> list[TimeSpanOut]:
    return [TimeSpanOut(starts_at=span.starts_at, ends_at=span.ends_at) for span in spans]
