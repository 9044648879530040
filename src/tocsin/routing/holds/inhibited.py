"""Inhibited: another alert, on which this one depends, is live, or was until shortly ago."""

from __future__ import annotations

from tocsin.model import Reason, iso
from tocsin.routing.holds.base import AlertFacts, AlertHold, Evidence, Held, shown


def _applies(facts: AlertFacts) -> Held | None:
    """Needs the alerts that inhibit it. Of several, one that is live; else the one that ended last."""
    found = [
        each for each in facts.subject.inhibitors if each.until is None or each.until > facts.now
    ]
    if not found:
        return None
    first = min(found, key=lambda each: (each.until is not None, each.since, each.alert_id))
    ends = [each.until for each in found if each.until is not None]
    until = max(ends) if len(ends) == len(found) else None
    described = {
        "rule": {"id": str(first.rule_id), "name": first.rule_name},
        "alert": {"id": str(first.alert_id), "title": first.title},
        "since": iso(first.since),
        **({} if len(found) == 1 else {"others": len(found) - 1}),
    }
    return Held(Reason.INHIBITED, until, {"inhibited_by": described})


def _words(evidence: Evidence) -> str:
    by = evidence.get("inhibited_by") or {}
    words = (
        f"{_source(evidence)} holds it, by inhibition rule “{(by.get('rule') or {}).get('name')}”"
    )
    if by.get("others"):
        words += f", and {by['others']} more"
    until = evidence.get("until")
    return words + (
        f", until {iso(shown(until))}, since it is over" if until else ", while it is live"
    )


def _source(evidence: Evidence) -> str:
    alert = (evidence.get("inhibited_by") or {}).get("alert") or {}
    return f"alert “{alert['title']}” ({alert['id']})" if "id" in alert else "another alert"


def _after(evidence: Evidence) -> str:
    title = ((evidence.get("inhibited_by") or {}).get("alert") or {}).get("title")
    return f"alert “{title}”" if title else "another alert"


HOLD = AlertHold(Reason.INHIBITED, _applies, _words, _after)
