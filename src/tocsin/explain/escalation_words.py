"""What an escalation did, as a person would say it: every step, skip and page with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.model import SkipReason

_SKIPS: Mapping[str, str] = {
    SkipReason.NOBODY_ON_CALL: "nobody was on call",
    SkipReason.NO_CONTACT: "no contact method that is verified and enabled",
    SkipReason.CONDITION: "not for such an alert, or not at that time",
}
_ENDS = {
    "nobody_reached": "could reach nobody at all",
    "no_acknowledgement": "has ended, and nobody has acknowledged",
}


def step_words(detail: Mapping[str, Any]) -> str:
    """Of an `escalated` entry: which step, whom it paged by what and when, and whom not."""
    words = f"step {detail.get('step', 0) + 1} of {_policy(detail)}"
    if detail.get("loop"):
        words += f", for the {_ordinal(detail['loop'] + 1)} time"
    said = [_reached(each) for each in detail.get("reached", ())]
    said += [_skipped(each) for each in detail.get("skipped", ())]
    if not detail.get("reached"):
        said.append("it reached nobody, so the next one was taken at once")
    return f"{words}: {'; '.join(said)}"


def held_words(detail: Mapping[str, Any]) -> str:
    until = f" until {detail['until']}" if "until" in detail else ""
    return f"{_policy(detail)} is on hold{until}: {detail.get('reason', 'a hold')}"


def resumed_words(detail: Mapping[str, Any]) -> str:
    return f"{_policy(detail)} continues with the rest of its wait"


def exhausted_words(detail: Mapping[str, Any]) -> str:
    end = _ENDS.get(detail.get("reason", ""), "has ended")
    fallback = detail.get("fallback")
    last = f"{fallback['name']} was notified" if fallback else "there is no fallback to notify"
    return f"{_policy(detail)} {end}: {last}"


def page_words(detail: Mapping[str, Any]) -> str:
    """Why a page exists."""
    if "escalation" in detail:
        about = detail["escalation"]
        whom = f", to {about['user']}" if "user" in about else ""
        return f"step {about.get('step', 0) + 1} of {_policy(about)}{whom}"
    for key, verb in (("asked_by", "asked for help"), ("assigned_by", "assigned it")):
        if key in detail:
            return f"{detail[key].get('name', 'somebody')} {verb}"
    if "acknowledged_until" in detail:
        return "its reader's acknowledgement is about to expire"
    return "an escalation"


def _policy(detail: Mapping[str, Any]) -> str:
    name = (detail.get("policy") or {}).get("name")
    return f"the escalation policy “{name}”" if name else "an escalation policy"


def _reached(each: Mapping[str, Any]) -> str:
    name = each.get("name", "somebody")
    if each.get("cause"):
        name += f" ({each['cause']})"
    pages = each.get("pages", ())
    if not pages:
        return f"{name} had been paged by an earlier step, and is not paged twice"
    said = ", ".join(
        page["name"] + (f" after {_span(page['delay_seconds'])}" if page["delay_seconds"] else "")
        for page in pages
    )
    return f"{name} is paged by {said}" if said != name else f"{name} is notified"


def _skipped(each: Mapping[str, Any]) -> str:
    why = each.get("words") or _SKIPS.get(each.get("reason", ""), each.get("reason", ""))
    return f"{each['name']} was passed over: {why}" if "name" in each else why


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min" if minutes and not rest else f"{seconds} s"


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
