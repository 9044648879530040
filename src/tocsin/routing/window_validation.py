"""What a user may write into a maintenance window: every fault at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from tocsin.model import Fault
from tocsin.routing.recurrence import Recurrence
from tocsin.routing.validation import validate_matchers

LONGEST_MINUTES = 30 * 24 * 60
RULE_LIMIT = 500
EXCEPTIONS_LIMIT = 200

_TRIED = 60
"""Starts that are looked at to tell whether there is a pause between them."""

_CLOCK_CHANGES = 2
"""Of those, pauses that only a change of the clocks makes."""


def validate_window(
    matchers: list[dict[str, Any]],
    tenant_ids: Sequence[UUID] | None,
    recurrence: Recurrence | str,
    now: datetime,
) -> list[Fault]:
    """For a window about to be made or changed at `now`. `recurrence` that is a text says what is wrong
    with its rule."""
    faults = validate_matchers(matchers, required=tenant_ids is None)
    if isinstance(recurrence, str):
        return [*faults, Fault("/rrule", "bad-rule", recurrence)]
    return faults + _recurrence_faults(recurrence, now)


def _recurrence_faults(recurrence: Recurrence, now: datetime) -> list[Fault]:
    starts = [each.starts_at for each in recurrence.first(_TRIED)]
    if not starts:
        words = "it never occurs, as far as the calendar was looked through"
        return [Fault("/rrule" if recurrence.rule else "/exdates", "never-occurs", words)]
    last = recurrence.last_start()
    if last is not None and last + recurrence.length <= now:
        return [Fault("/starts_at", "in-the-past", "the window would be over already")]
    pauses = [later - earlier > recurrence.length for earlier, later in pairwise(starts)]
    if last is None and sum(pauses) <= _CLOCK_CHANGES:
        words = "it lasts from one start to the next, and so never ends; switch rules off instead"
        return [Fault("/duration_minutes", "never-ends", words)]
    return []


def recurrence_of(
    starts_at: datetime,
    timezone: str,
    duration_minutes: int,
    rrule: str | None,
    exdates: Sequence[datetime],
) -> Recurrence | str:
    """What a window asks for, or what is wrong with its rule."""
    length = timedelta(minutes=duration_minutes)
    try:
        return Recurrence(starts_at, timezone, length, rrule, frozenset(exdates))
    except ValueError as error:
        return str(error)
