"""Silence: what all its matchers match is held until it ends."""

from __future__ import annotations

from tocsin.model import Reason, iso
from tocsin.routing.holds.base import AlertFacts, AlertHold, Evidence, Held, shown


def _applies(facts: AlertFacts) -> Held | None:
    """Needs the silences, and what matchers see of the alert. Of several, the one that lasts longest."""
    silence = facts.table.silence_for(facts.subject, facts.now, facts.judge)
    if silence is None:
        return None
    described = {
        "id": str(silence.id),
        "author": silence.author,
        "comment": silence.comment,
        "starts_at": iso(silence.starts_at),
        "ends_at": iso(silence.ends_at),
        "matchers": [str(matcher) for matcher in silence.matchers],
    }
    return Held(Reason.SILENCE, silence.ends_at, {"silence": described})


def _words(evidence: Evidence) -> str:
    silence = evidence.get("silence") or {}
    words = f"a silence of {silence.get('author', 'somebody')} holds it"
    if "ends_at" in silence:
        words += f" until {iso(shown(silence['ends_at']))}"
    if silence.get("matchers"):
        words += f", matching {', '.join(silence['matchers'])}"
    return words + (f" (“{silence['comment']}”)" if silence.get("comment") else "")


def _after(evidence: Evidence) -> str:
    comment = (evidence.get("silence") or {}).get("comment")
    return f"silence “{comment}”" if comment else "a silence"


HOLD = AlertHold(Reason.SILENCE, _applies, _words, _after)
