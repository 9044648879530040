"""Cooldown: a rule notifies a destination of one alert key no more often than this."""

from __future__ import annotations

from datetime import timedelta

from tocsin.model import EventType, Reason, iso
from tocsin.routing.holds.base import (
    Evidence,
    Held,
    RuleFacts,
    RuleHold,
    breaks_through,
    rule_words,
    shown,
)


def _applies(facts: RuleFacts) -> Held | None:
    """Needs the rule, and when it last notified the destination of this alert key. Only triggers are
    held: an end is never too often."""
    rule = facts.rule
    if facts.event_type is not EventType.TRIGGERED or not rule.cooldown_seconds:
        return None
    if facts.subject.external_id is None:
        return None
    if breaks_through(facts.subject.severity, rule.cooldown_breakthrough_severity):
        return None
    notified_at = facts.history.last_notified.get((rule.id, facts.destination_id))
    if notified_at is None:
        return None
    cooldown = timedelta(seconds=rule.cooldown_seconds)
    # A node whose clock runs ahead must not silence the others for longer than a cooldown.
    if not -cooldown < facts.now - notified_at < cooldown:
        return None
    evidence = {
        "rule": {"id": str(rule.id), "name": rule.name},
        "cooldown_seconds": rule.cooldown_seconds,
        "notified_at": iso(notified_at),
    }
    return Held(Reason.COOLDOWN, notified_at + cooldown, evidence)


def _words(evidence: Evidence) -> str:
    until = evidence.get("until")
    rests = "rests" if until is None else f"rests until {iso(shown(until))}"
    return (
        f"it was notified of the same alert key shortly before, and {rule_words(evidence)} {rests}"
    )


def _after(evidence: Evidence) -> str:
    return f"the cooldown of {rule_words(evidence)}"


HOLD = RuleHold(Reason.COOLDOWN, _applies, _words, _after)
