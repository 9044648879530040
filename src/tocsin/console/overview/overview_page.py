"""Overview: the last days in numbers, and the noise coach with its one click."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import Role, Severity
from tocsin.resources import overview, rules
from tocsin.resources.overview import AdviceOut, OverviewOut
from tocsin.resources.rules import AlertRulePatch
from tocsin.store.queries.overview import MOST_COUNTED
from tocsin.store.tables import AlertRule

_SPANS = ((1, "24 hours"), (7, "7 days"), (30, "30 days"))
_USUAL_DAYS = 7
_COACHED = ("group_by", "group_wait_seconds")


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/overview", opened(context, _show), methods=["GET"]),
        Route("/overview/coach", opened(context, _coach, role=Role.ADMIN), methods=["POST"]),
    ]


def _days(text: str) -> int:
    return next((days for days, _ in _SPANS if str(days) == text), _USUAL_DAYS)


async def _show(call: Call) -> Response:
    params = call.request.query_params
    days = _days(params.get("days", ""))
    async with call.context.reading() as session:
        found = await overview.look(session, call.visitor.workspace_id, days, call.now)
    return page(
        "overview.html",
        call.frame("overview"),
        found=found,
        days=days,
        spans=_SPANS,
        span_words=dict(_SPANS)[days],
        is_cut=found.counted_since > found.since,
        most_counted=MOST_COUNTED,
        severities=[each.value for each in Severity],
        coached=[(each, *_worth(found, each)) for each in found.advice],
        longest=max((each.ninety_nine or 0 for each in found.destinations), default=0),
        most_pages=max((each.pages for each in found.people), default=0),
        may_change=call.may(Role.ADMIN),
        undo=_undo(call, days),
        in_words=in_words,
        address_of=_address_of,
        share=share,
    )


def _worth(found: OverviewOut, advice: AdviceOut) -> tuple[str, str]:
    """What the offer says, and what it costs."""
    words = (
        f"“{advice.name}” notified of {advice.notified:,} alerts; {advice.spared:,} of them were over "
        f"within {advice.within_minutes} min."
    )
    gathers = advice.undo.get("group_by") is None
    more = (
        "Alerts of one source and title then share a message"
        if gathers
        else "Its groups stay as they are"
    )
    cost = (
        f"What is over within {advice.wait_minutes} min is not notified of at all; everything else "
        f"comes {advice.wait_minutes} min later, critical at once. {more}."
    )
    return words, cost


def in_words(seconds: float | None) -> str:
    """How long, to two figures."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3_600:.1f} h"
    return f"{seconds / 86_400:.0f} d"


def share(part: int, whole: int) -> str:
    return "–" if not whole else f"{100 * part / whole:.0f} %"


def _address_of(title: str) -> str:
    """Of the list of alerts with this title. The signs of the query bar match whatever stands there."""
    pattern = title.replace('"', "*").replace(",", "*")
    query = f'title:"{pattern}"'
    return f"/alerts?{urlencode({'q': query})}"


def _undo(call: Call, days: int) -> dict[str, Any] | None:
    """Right after a click only: the address alone offers nothing."""
    params = call.request.query_params
    if not call.said or not call.may(Role.ADMIN) or "was" not in params:
        return None
    fields = [("act", "undo"), ("days", str(days))]
    fields += [(name, params.get(name, "")) for name in ("rule", "was")]
    return {"address": "/overview/coach", "fields": fields}


async def _coach(call: Call) -> Response:
    form = await call.form()
    days = _days(form.get("days", ""))
    back = f"/overview?{urlencode({'days': days})}"
    if form.get("act") == "undo":
        return go(back, await _take_back(call, form))
    # What is offered now counts, not what the page said when it was loaded.
    async with call.context.reading() as session:
        found = await overview.look(session, call.visitor.workspace_id, days, call.now)
    wanted = form.get("rule", "")
    advice = next((each for each in found.advice if str(each.alert_rule_id) == wanted), None)
    if advice is None:
        return go(back, "That is not offered any more; the numbers have changed.")
    saved = await _change(call, advice.alert_rule_id, advice.change)
    if saved.made is None:
        return go(back, forms.first(saved.faults))
    undo = {"days": days, "rule": str(advice.alert_rule_id), "was": json.dumps(advice.undo)}
    words = f"“{advice.name}” waits {advice.wait_minutes} min from now on."
    return go(f"/overview?{urlencode(undo)}", words)


async def _take_back(call: Call, form: Mapping[str, str]) -> str:
    """What is said of it."""
    try:
        rule_id = UUID(form.get("rule", ""))
        was = json.loads(form.get("was", ""))
        change = {name: was[name] for name in _COACHED}
    except (ValueError, KeyError, TypeError, RecursionError):
        return "Nothing was changed."
    saved = await _change(call, rule_id, change)
    return "As it was." if saved.made else forms.first(saved.faults)


async def _change(call: Call, rule_id: UUID, change: Mapping[str, Any]) -> forms.Saved[AlertRule]:
    entered = forms.read(AlertRulePatch, change)
    if entered.body is None:
        return forms.Saved(None, entered.faults)
    return await forms.save(_update(call, rule_id, entered.body))


async def _update(call: Call, rule_id: UUID, body: AlertRulePatch) -> AlertRule:
    async with call.context.configuring() as session:
        return await rules.update(session, call.visitor.principal, rule_id, body, call.now)
