"""Bundles: what exceeds a contact method's budget is gathered into one page about several alerts. Pure.

A person's contact method takes ten messages, then one every ten seconds, or as many as its channel
lets through where that is fewer. A bundle is a group of all pages that wait for it, of whichever tenant:
it is one person who reads them. Its first message goes as soon as what comes at the same moment has
joined, then there is one whenever the contact method takes another, and at once when something more
severe appears than the bundle has said so far. It ends when nothing has come for as long.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.routing.group import Decision, End, GroupFacts, GroupState, Rest, Send, SendAt
from tocsin.routing.storm import INTERVAL

BURST = 10
PER_SECOND = 0.1
"""What every contact method takes at most."""

AT_LEAST = 2
"""One page is sent by itself."""

MOMENT = timedelta(seconds=1)
"""So long the first message waits for what comes at the same time."""


def bundle_id(destination_id: UUID) -> UUID:
    """The same wherever it is asked for."""
    return UUID(bytes=hashlib.sha256(b"bundle" + destination_id.bytes).digest()[:16])


def interval_of(budget: float) -> timedelta:
    """Between two messages; `budget` is how many the contact method takes in `INTERVAL`."""
    return INTERVAL / budget


def decide_bundle(
    state: GroupState, facts: GroupFacts, opened_at: datetime, interval: timedelta, now: datetime
) -> Decision:
    """What a bundle does at `now`. `state.told` is what has to be exceeded for a message at once
    (`told_after`)."""
    last = state.last_sent_at
    due = opened_at + MOMENT if last is None else last + interval
    if not facts.waiting:
        return Rest(due, None) if now < due else End()
    is_worse = facts.worst is not None and (
        state.told is None or facts.worst.rank > state.told.rank
    )
    if now < due and (last is None or not is_worse):
        return SendAt(due)
    return Send(last is None)
