"""Maintenance: what is being worked on is held until the work is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tocsin.model import OnEnd, Reason, iso
from tocsin.routing.holds.base import AlertFacts, AlertHold, Evidence, Held, shown


def _applies(facts: AlertFacts) -> Held | None:
    """Needs the windows, and what matchers see of the alert. Of several, the one that lasts longest."""
    found = facts.table.window_for(facts.subject, facts.now, facts.judge)
    if found is None:
        return None
    window, occurrence = found
    described = {
        "id": str(window.id),
        "name": window.name,
        "comment": window.comment,
        "starts_at": iso(occurrence.starts_at),
        "ends_at": iso(occurrence.ends_at),
        "on_end": window.on_end.value,
        "matchers": [str(matcher) for matcher in window.matchers],
    }
    return Held(Reason.MAINTENANCE, occurrence.ends_at, {"window": described})


def _words(evidence: Evidence) -> str:
    window = evidence.get("window") or {}
    words = f"{_named(evidence)} holds it"
    if "ends_at" in window:
        words += f" until {iso(shown(window['ends_at']))}"
    if window.get("on_end") == OnEnd.NOTHING:
        words += ", and nobody is notified of it then"
    if window.get("matchers"):
        words += f", matching {', '.join(window['matchers'])}"
    return words + (f" (“{window['comment']}”)" if window.get("comment") else "")


def _named(evidence: Evidence) -> str:
    name = (evidence.get("window") or {}).get("name")
    return f"maintenance “{name}”" if name else "maintenance"


def _gives_up(evidence: Evidence, facts: AlertFacts) -> Reason | None:
    """At the end of a window that says so, nobody is notified of what it held. One that has let the
    alert go before its end, since it does not match any more, says nothing about it."""
    held_by = ended_window(evidence, facts)
    if held_by is None:
        return None
    window = facts.table.windows_by_id.get(UUID(held_by["id"]))
    on_end = held_by["on_end"] if window is None else window.on_end
    return Reason.MAINTENANCE_OVER if on_end == OnEnd.NOTHING else None


def ended_window(evidence: Evidence, facts: AlertFacts) -> Mapping[str, Any] | None:
    """What held an alert, if it has ended, by itself or by somebody's hand; None if it lasts, or has
    let the alert go since it does not match any more."""
    held_by: Mapping[str, Any] | None = evidence.get("window")
    if held_by is None:
        return None
    window = facts.table.windows_by_id.get(UUID(held_by["id"]))
    if window is None:
        return held_by
    lasts = window.occurrence(facts.now) is not None
    return None if lasts or not window.covers(facts.subject, facts.judge) else held_by


HOLD = AlertHold(Reason.MAINTENANCE, _applies, _words, _named, _gives_up)
