"""What becomes of a schedule that is changed: a new version from a time on; what was before stays.

Whoever is on call then stays until the next hand-over, unless asked otherwise. Of somebody who is no
longer there, the next in the old order takes over at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from tocsin.oncall.rotation import turns_of
from tocsin.oncall.schedule import Entry, Layer, OnCallSchedule, ScheduleVersion


def version_at(schedule: OnCallSchedule, at: datetime) -> ScheduleVersion | None:
    """The one in force; None before the first."""
    begun = [each for each in schedule.versions if each.effective_from <= at]
    return begun[-1] if begun else None


def with_version(schedule: OnCallSchedule, version: ScheduleVersion) -> OnCallSchedule:
    """The schedule with this version from its time on; later ones that were planned are dropped."""
    kept = [each for each in schedule.versions if each.effective_from < version.effective_from]
    return replace(schedule, versions=(*kept, version))


def following(
    before: ScheduleVersion, wanted: ScheduleVersion, *, keep_on_call: bool = True
) -> ScheduleVersion:
    """The wanted version as it follows on the one before it: who is on call stays, or, if not kept, the
    first of each changed layer begins."""
    was = {layer.id: layer for layer in before.layers}
    layers = tuple(
        _continued(was.get(layer.id), before, layer, wanted, keep_on_call)
        for layer in wanted.layers
    )
    return replace(wanted, layers=layers)


def next_handoff(version: ScheduleVersion, at: datetime) -> datetime:
    """When a layer hands over next, of all of them the last: by then every shift that lasts is over."""
    ends = [
        turns_of(layer, version.timezone).at(at).ends_at
        for layer in version.layers
        if turns_of(layer, version.timezone).begins_at <= at
    ]
    return max(ends, default=at)


def without_user(wanted: ScheduleVersion, user: UUID, before: ScheduleVersion) -> ScheduleVersion:
    """The version as it follows on the one before it, but without this user. Whoever shared turns keeps
    them."""
    layers = tuple(
        replace(
            layer,
            participants=tuple(
                rest
                for entry in layer.participants
                if (rest := tuple(each for each in entry if each != user)) or not entry
            ),
        )
        for layer in wanted.layers
    )
    fallback = wanted.fallback
    if fallback is not None and fallback.user == user:
        fallback = None
    return following(before, replace(wanted, layers=layers, fallback=fallback))


def _continued(
    was: Layer | None,
    before: ScheduleVersion,
    layer: Layer,
    wanted: ScheduleVersion,
    keep_on_call: bool,
) -> Layer:
    if was is None:
        return layer
    as_it_was = replace(layer, name=was.name, offset=was.offset, version=was.version)
    if as_it_was == was and before.timezone == wanted.timezone:
        return replace(as_it_was, name=layer.name)
    layer = replace(layer, version=was.version + 1, offset=0)
    if not layer.participants:
        return layer
    at = wanted.effective_from
    number = turns_of(layer, wanted.timezone).at(at).number
    place = 0
    if keep_on_call and was.participants and turns_of(was, before.timezone).begins_at <= at:
        old_turn = turns_of(was, before.timezone).at(at).number
        place = _place(was, old_turn, layer.participants)
    return replace(layer, offset=(place - number) % len(layer.participants))


def _place(was: Layer, turn: int, participants: Sequence[Entry]) -> int:
    """Where in the new order whoever has the turn now stands, or else the next of the old order who
    is still there."""
    for old_turn in range(turn, turn + len(was.participants)):
        places = [*_places(was.entry(old_turn), participants)]
        if places:
            # Who has several turns goes on where the same one follows.
            after = was.entry(old_turn + 1)
            alike = [
                each for each in places if participants[(each + 1) % len(participants)] == after
            ]
            return (alike or places)[0]
    return 0


def _places(entry: Entry, participants: Sequence[Entry]) -> Iterator[int]:
    yield from (place for place, each in enumerate(participants) if each == entry)
    yield from (
        place
        for place, each in enumerate(participants)
        if each != entry and not set(each).isdisjoint(entry)
    )
