"""Quiet hours: a rule leaves people alone at certain hours (calendar: `routing/quiet_hours.py`)."""

from __future__ import annotations

from tocsin.model import Reason
from tocsin.routing.holds.base import Evidence, Held, RuleFacts, RuleHold, rule_words


def _applies(facts: RuleFacts) -> Held | None:
    """Needs the rule, the severity and the time."""
    hours = facts.rule.quiet_hours
    until = None if hours is None else hours.hold(facts.subject.severity, facts.now)
    if hours is None or until is None:
        return None
    window = hours.holding(facts.subject.severity, facts.now) or hours.windows[0]
    evidence = {
        "rule": {"id": str(facts.rule.id), "name": facts.rule.name},
        "quiet_hours": window.document(),
    }
    return Held(Reason.QUIET_HOURS, until, evidence)


def _words(evidence: Evidence) -> str:
    hours = evidence.get("quiet_hours")
    if not hours:
        return f"the quiet hours of {rule_words(evidence)}"
    span = f"{hours['start']} to {hours['end']} {hours['timezone']}"
    return f"the quiet hours of {rule_words(evidence)} ({span})"


def _after(evidence: Evidence) -> str:
    return f"the quiet hours of {rule_words(evidence)}"


HOLD = RuleHold(Reason.QUIET_HOURS, _applies, _words, _after)
