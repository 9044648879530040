"""Inhibition wait: a trigger waits for a moment, since what it depends on may be about to say that it is
the cause."""

from __future__ import annotations

from tocsin.model import EventType, Reason, iso
from tocsin.routing.holds.base import AlertFacts, AlertHold, Evidence, Held, rule_words, shown


def _applies(facts: AlertFacts) -> Held | None:
    """Needs how long the rules of which the alert is a target have it wait. Only triggers wait."""
    if facts.event_type is not EventType.TRIGGERED:
        return None
    found = [each for each in facts.subject.inhibition_waits if each.until > facts.now]
    if not found:
        return None
    last = max(found, key=lambda each: (each.until, each.rule_id))
    evidence = {"rule": {"id": str(last.rule_id), "name": last.rule_name}}
    return Held(Reason.INHIBITION_WAIT, last.until, evidence)


def _words(evidence: Evidence) -> str:
    until = evidence.get("until")
    rests = "" if until is None else f" until {iso(shown(until))}"
    return f"inhibition {rule_words(evidence)} has it wait{rests} for what may be the cause"


def _after(evidence: Evidence) -> str:
    return f"the wait of inhibition {rule_words(evidence)}"


HOLD = AlertHold(Reason.INHIBITION_WAIT, _applies, _words, _after)
