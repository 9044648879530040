"""Inhibition rules: which alerts hold which others, tried on the past before they hold."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms.editing import Editor, Faults
from tocsin.console.forms.forms import number_or_text
from tocsin.console.forms.matcher_lines import (
    read_labels,
    read_matchers,
    write_labels,
    write_matchers,
)
from tocsin.console.forms.past_days import DAYS, past_days
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, opened
from tocsin.explain.inhibition_preview import InhibitionOutcome, try_inhibition
from tocsin.model import Role
from tocsin.resources import inhibition_rules
from tocsin.resources.inhibition_rules import InhibitionRuleIn, InhibitionRulePatch, routed
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.held_now import held_now
from tocsin.store.queries.inhibition_rules import page_of_inhibition_rules
from tocsin.store.tables import StoredInhibitionRule

_SECONDS = ("delay_seconds", "grace_seconds")
_USUAL = {
    "name": "",
    "source_matchers": "",
    "target_matchers": "",
    "equal": "host",
    "delay_seconds": "30",
    "grace_seconds": "60",
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/inhibition", opened(context, _list), methods=["GET"]),
        *InhibitionEditor().routes(context),
    ]


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        found = await page_of_inhibition_rules(session, call.visitor.workspace_id, PageRequest(200))
        held = await held_now(session, call.visitor.workspace_id)
    return page(
        "inhibition.html",
        call.frame("inhibition"),
        lines=[
            (
                row,
                write_matchers(row.source_matchers).replace("\n", ", "),
                write_matchers(row.target_matchers).replace("\n", ", "),
                held.get(row.id, 0),
            )
            for row in sorted(found.rows, key=lambda each: each.name.lower())
        ],
        may_change=call.may(Role.ADMIN),
    )


class InhibitionEditor(
    Editor[StoredInhibitionRule, InhibitionRuleIn, InhibitionRulePatch, Mapping[str, str]]
):
    place = "inhibition"
    called = "inhibition rule"
    all_called = "All inhibition rules"
    table = StoredInhibitionRule
    body = InhibitionRuleIn
    change = InhibitionRulePatch
    keeping = inhibition_rules

    async def usual(self, call: Call) -> dict[str, str]:
        """Of an alert, that it holds others."""
        alert = await call.alert_asked_for()
        if alert is None:
            return dict(_USUAL)
        matchers = [{"label": "title", "op": "=", "value": alert.title}]
        return {
            **_USUAL,
            "name": alert.title[:100],
            "source_matchers": write_matchers(matchers),
            "equal": "host" if "host" in alert.labels else "",
        }

    async def stored(self, call: Call, row: StoredInhibitionRule) -> dict[str, str]:
        return {
            "name": row.name,
            "source_matchers": write_matchers(row.source_matchers),
            "target_matchers": write_matchers(row.target_matchers),
            "equal": write_labels(row.equal),
            **{name: str(getattr(row, name)) for name in _SECONDS},
        }

    async def entered(self, call: Call) -> dict[str, str]:
        form = await call.form()
        return {name: form.get(name, "").strip()[:20_000] for name in _USUAL}

    def document(
        self, call: Call, values: Mapping[str, str], row: StoredInhibitionRule | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        document: dict[str, Any] = {
            "name": values["name"],
            "equal": read_labels(values["equal"]),
        }
        faults = {}
        for name in ("source_matchers", "target_matchers"):
            document[name], fault = read_matchers(values[name])
            if fault:
                faults[name] = fault
        for name in _SECONDS:
            document[name] = number_or_text(values[name])
        return document, faults

    def said_when_made(self, row: StoredInhibitionRule) -> str:
        return f"“{row.name}” is in force."

    def said_when_saved(self, row: StoredInhibitionRule) -> str:
        return f"“{row.name}” is saved."

    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        if act == "delete":
            await inhibition_rules.delete(session, call.visitor.principal, row_id, call.now)
            return "Deleted; what only this rule held is looked at again."
        if act in ("enable", "disable"):
            await self.switched(session, call, row_id, act)
        return None

    async def shown(
        self,
        call: Call,
        values: Mapping[str, str],
        faults: Faults,
        row: StoredInhibitionRule | None,
    ) -> Response:
        return page(
            "inhibition_rule.html",
            call.frame("inhibition"),
            HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            row=row,
            values=values,
            faults=faults,
            trial=await self._try(call, values),
            days=DAYS,
            may_change=call.may(Role.ADMIN),
        )

    async def _try(self, call: Call, values: Mapping[str, str]) -> InhibitionOutcome | None:
        """What it would have held in the last days; None while it cannot be tried."""
        document, faults = self.document(call, values, None)
        drafted = await self.drafted(call, {**document, "name": "preview"})
        if faults or drafted.made is None:
            return None
        past = await past_days(call)
        return await try_inhibition(routed(drafted.made), past.alerts, call.now)
