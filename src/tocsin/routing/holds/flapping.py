"""Flapping: nobody is notified of each change of an alert that keeps coming and going
(`routing/flapping.py`); messages of their own say that it flaps, how it goes on, and how it ends."""

from __future__ import annotations

from tocsin.model import EventType, Reason, Severity, iso
from tocsin.routing.holds.base import AlertFacts, AlertHold, Evidence, Held, shown

_HELD = frozenset({EventType.TRIGGERED, EventType.RESOLVED, EventType.REMINDER})


def _applies(facts: AlertFacts) -> Held | None:
    """Needs how often the alert has changed, and its severity: a trigger that is CRITICAL is always
    sent, for an outage that flaps is an outage. An end is held also where the trigger was sent."""
    flaps = facts.subject.flaps
    if flaps is None or flaps.since is None or facts.event_type not in _HELD:
        return None
    if facts.event_type is EventType.TRIGGERED and facts.subject.severity is Severity.CRITICAL:
        return None
    evidence = {
        "flapping": {
            "since": iso(flaps.since),
            "changes": flaps.changes,
            "first_at": iso(flaps.first_at),
            "penalty": round(flaps.penalty, 2),
        }
    }
    return Held(Reason.FLAPPING, None, evidence, holds_ends=True)


def _words(evidence: Evidence) -> str:
    flapping = evidence.get("flapping") or {}
    if "since" not in flapping:
        return "it is flapping"
    return (
        f"it has been flapping since {iso(shown(flapping['since']))} ({flapping['changes']} changes"
        f" since {iso(shown(flapping['first_at']))}); a message says when it has settled"
    )


def _after(evidence: Evidence) -> str:
    return "flapping"


HOLD = AlertHold(Reason.FLAPPING, _applies, _words, _after)
