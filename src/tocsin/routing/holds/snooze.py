"""Snooze: a person wants to hear nothing of one alert for a while."""

from __future__ import annotations

from tocsin.model import Reason, iso
from tocsin.routing.holds.base import AlertFacts, AlertHold, Evidence, Held, shown


def _applies(facts: AlertFacts) -> Held | None:
    """Needs the alert's own snooze. That it ends early when the severity rises or the alert is reopened
    is up to whoever changes the alert: the snooze is gone then."""
    snooze = facts.subject.snooze
    if snooze is None or snooze.until <= facts.now:
        return None
    return Held(Reason.SNOOZED, snooze.until, {"snooze": {"by": snooze.by}})


def _words(evidence: Evidence) -> str:
    until = evidence.get("until")
    rests = "" if until is None else f" until {iso(shown(until))}"
    return f"{(evidence.get('snooze') or {}).get('by') or 'somebody'} snoozed the alert{rests}"


def _after(evidence: Evidence) -> str:
    by = (evidence.get("snooze") or {}).get("by")
    return f"a snooze by {by}" if by else "a snooze"


HOLD = AlertHold(Reason.SNOOZED, _applies, _words, _after)
