"""Silences: what nobody is notified of, until when, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms.editing import Editor, Faults
from tocsin.console.forms.forms import zoned
from tocsin.console.forms.matcher_lines import read_matchers, write_matchers
from tocsin.console.forms.past_days import DAYS, past_days
from tocsin.console.frame.render import local_input, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.explain.preview import CoverOutcome, draft_silence, try_cover
from tocsin.model import Role, Severity
from tocsin.resources import silences
from tocsin.resources.fields import parse_time
from tocsin.resources.silences import SilenceIn, SilencePatch
from tocsin.routing.rules import Silence
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.held_now import held_now
from tocsin.store.queries.silences import SilenceState, page_of_silences, state_of
from tocsin.store.tables import StoredSilence

_HOURS = (("1 hour", 1), ("4 hours", 4), ("12 hours", 12), ("1 day", 24), ("1 week", 168))
_UNTIL = "until"
"""In place of a number of hours: until a time of one's own."""
_USUAL = {
    "matchers": "",
    "hours": "4",
    "starts_at": "",
    "ends_at": "",
    "comment": "",
    "breakthrough_severity": "",
}
_LIKE_THIS = ("alertname", "host", "instance", "service", "job")


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/silences", opened(context, _list), methods=["GET"]),
        *SilenceEditor().routes(context),
    ]


async def _list(call: Call) -> Response:
    shown = call.request.query_params.get("show", "active")
    state = {each.value: each for each in SilenceState}.get(shown, SilenceState.ACTIVE)
    async with call.context.reading() as session:
        found = await page_of_silences(
            session, call.visitor.workspace_id, PageRequest(200), state=state, now=call.now
        )
        held = await held_now(session, call.visitor.workspace_id)
    return page(
        "silences.html",
        call.frame("silences"),
        lines=[
            (
                row,
                write_matchers(row.matchers).replace("\n", ", "),
                state_of(row, call.now).value,
                held.get(row.id, 0),
            )
            for row in sorted(found.rows, key=lambda each: each.ends_at)
        ],
        shown=state.value,
        may_act=call.may(Role.RESPONDER),
    )


class SilenceEditor(Editor[StoredSilence, SilenceIn, SilencePatch, Mapping[str, str]]):
    place = "silences"
    called = "silence"
    all_called = "All silences"
    role = Role.RESPONDER
    table = StoredSilence
    body = SilenceIn
    change = SilencePatch
    keeping = silences

    async def usual(self, call: Call) -> dict[str, str]:
        """Of an alert, what it is known by."""
        alert = await call.alert_asked_for()
        if alert is None:
            return dict(_USUAL)
        known = [
            {"label": name, "op": "=", "value": alert.labels[name]}
            for name in _LIKE_THIS
            if alert.labels.get(name)
        ]
        matchers = known or [
            {"label": "source", "op": "=", "value": alert.source},
            {"label": "title", "op": "=", "value": alert.title},
        ]
        return {**_USUAL, "matchers": write_matchers(matchers)}

    async def stored(self, call: Call, row: StoredSilence) -> dict[str, str]:
        return _stored(call, row)

    async def entered(self, call: Call) -> dict[str, str]:
        form = await call.form()
        return {name: form.get(name, usual).strip()[:20_000] for name, usual in _USUAL.items()}

    def document(
        self, call: Call, values: Mapping[str, str], row: StoredSilence | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        matchers, fault = read_matchers(values["matchers"])
        document: dict[str, Any] = {
            "matchers": matchers,
            "comment": values["comment"],
            "breakthrough_severity": values["breakthrough_severity"] or None,
        }
        document |= _times(call, values) if row is None else self._moved(call, values, row)
        if row is None:
            document["author"] = call.visitor.name
        return document, {"matchers": fault} if fault else {}

    def _moved(self, call: Call, values: Mapping[str, str], row: StoredSilence) -> dict[str, str]:
        """Times that were changed: the fields show minutes, and what is stored has seconds."""
        shown = _stored(call, row)
        names = ("ends_at",) if row.starts_at <= call.now else ("starts_at", "ends_at")
        return {
            name: zoned(values[name], call.visitor.timezone)
            for name in names
            if values[name] != shown[name]
        }

    def said_when_made(self, row: StoredSilence) -> str:
        return "In force at once." if row.starts_at <= row.created_at else "It is planned."

    def said_when_saved(self, row: StoredSilence) -> str:
        return "Saved, and in force at once."

    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        if act != "expire":
            return None
        await silences.expire(session, call.visitor.principal, row_id, call.now)
        return "Over; what it held is looked at again."

    async def shown(
        self,
        call: Call,
        values: Mapping[str, str],
        faults: Faults,
        row: StoredSilence | None,
    ) -> Response:
        tried = await self._try(call, values)
        return page(
            "silence_new.html",
            call.frame("silences"),
            HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            values=values,
            faults=faults,
            hours=_HOURS,
            row=row,
            has_begun=row is not None and row.starts_at <= call.now,
            severities=[each.value for each in Severity],
            tried=tried,
            live=0 if tried is None else sum(each.status.is_live for each in tried.held),
            days=DAYS,
            may_act=call.may(Role.RESPONDER),
        )

    async def _try(self, call: Call, values: Mapping[str, str]) -> CoverOutcome | None:
        """By its conditions alone; None while they cannot be read."""
        matchers, fault = read_matchers(values["matchers"])
        draft = draft_silence(matchers, call.now) if matchers and not fault else None
        if not isinstance(draft, Silence):
            return None
        return await try_cover(draft, (await past_days(call)).alerts)


def _stored(call: Call, row: StoredSilence) -> dict[str, str]:
    zone, least = call.visitor.timezone, row.breakthrough_severity
    return {
        "matchers": write_matchers(row.matchers),
        "hours": _UNTIL,
        "starts_at": local_input(row.starts_at, zone),
        "ends_at": local_input(row.ends_at, zone),
        "comment": row.comment,
        "breakthrough_severity": "" if least is None else least.value,
    }


def _times(call: Call, values: Mapping[str, str]) -> dict[str, str]:
    """From when until when a new one holds."""
    zone = call.visitor.timezone
    starts_at = zoned(values["starts_at"], zone)
    times = {"starts_at": starts_at} if starts_at else {}
    if values["hours"] == _UNTIL:
        return {**times, "ends_at": zoned(values["ends_at"], zone)}
    hours = int(values["hours"]) if values["hours"].isdecimal() and len(values["hours"]) < 6 else 4
    try:
        begins = parse_time(starts_at) if starts_at else call.now
    except ValueError:
        begins = call.now
    ends_at = begins + timedelta(hours=min(max(hours, 1), 8_760))
    return {**times, "ends_at": ends_at.isoformat()}
