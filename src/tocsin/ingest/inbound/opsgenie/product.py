"""Opsgenie's Alert API and its Heartbeat API, at `/opsgenie/v2/…` and, for clients that know a
host only, at `/v2/…`.

The GenieKey says which integration a request is for; what it may see is what came through that one. All
is done before the answer: the status of a request can be asked for at once.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, NamedTuple
from urllib.parse import unquote
from uuid import UUID

from tocsin.alerts.actions import Acted
from tocsin.ingest.inbound.base import Door, Request
from tocsin.ingest.inbound.opsgenie import heartbeats, marks, on_call, shown
from tocsin.ingest.inbound.opsgenie.answers import Answering
from tocsin.ingest.received_webhook import Accepted, Declined, Shown, Webhook
from tocsin.ingest.replies import Reply
from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.kit.reading import text_of
from tocsin.ingest.sources.kit.times import parse_time
from tocsin.ingest.sources.opsgenie import CREATE, KINDS, Opsgenie
from tocsin.model import Action, Actor, ActorKind, Secret, SignalKind, uuid7
from tocsin.store.database import reading
from tocsin.store.queries.sent_alerts import (
    alert_by_external_id,
    alert_by_id,
    newest_alerts,
    recorded_request,
    timeline,
)
from tocsin.store.tables import Alert

PREFIX: Final = "/opsgenie"
ALERTS: Final = "/v2/alerts"
HEARTBEATS: Final = "/v2/heartbeats"
LOOKED_THROUGH: Final = 1_000
"""The newest alerts, of which lists are made and among which a tiny id is looked for."""

_VERBS: Final = {
    "POST": frozenset(
        (
            *("acknowledge", "unacknowledge", "close", "snooze", "escalate", "assign", "teams"),
            *("responders", "notes", "tags", "details", "attachments"),
        )
    ),
    "PUT": frozenset(("message", "description", "priority")),
    "GET": frozenset(("recipients", "logs", "notes", "attachments")),
    "DELETE": frozenset(("tags", "details")),
}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IT_IS_DONE: Final = "it is done, and no signal"
_UNSUPPORTED: Final = "Tocsin does not do this; its rules and schedules decide who is notified"


class AlertPath(NamedTuple):
    """One alert that a path names, and what is asked of it; no `identifier`: all of them."""

    identifier: str | None
    verb: str


class OpsgenieApi:
    name: ClassVar[str] = Opsgenie.type

    def serves(self, path: str) -> bool:
        path = path.removeprefix(PREFIX)
        return path in (ALERTS, HEARTBEATS) or path.startswith((ALERTS + "/", HEARTBEATS + "/"))

    async def reply(self, request: Request, door: Door) -> Reply:
        answering = Answering()
        key = request.credentials("geniekey")
        if key is None and (given := request.first("apiKey")):
            key = Secret(given)
        sender = await door.holder(Opsgenie.type, key)
        if sender is None or key is None:
            return answering.refused(401, "Could not authenticate")
        if not sender.is_active:
            return answering.refused(403, "The integration is switched off", x_code="40301")
        if door.proves(sender, key, request.received_at) is not None:
            return answering.refused(401, "Could not authenticate")
        raw = request.raw_path.removeprefix(PREFIX)
        call = _Call(request, door, sender, key, answering)
        if raw.startswith(HEARTBEATS):
            return await call.heartbeat(raw[len(HEARTBEATS) :].strip("/"))
        target = _target(raw[len(ALERTS) :].strip("/"), request.method)
        if target is None:
            return answering.refused(404, "Resource not found")
        return await call.alert(target)

    def failed(self, request: Request, refusal: Declined) -> Reply:
        return Answering().declined(refusal)


def _target(rest: str, method: str) -> AlertPath | None:
    """From what follows `/v2/alerts`. Some clients leave slashes in an alias as they are, so a known
    verb at the end is one, and all before it the identifier."""
    if not rest:
        return AlertPath(None, {"POST": CREATE, "GET": "list"}.get(method, ""))
    if rest == "count" and method == "GET":
        return AlertPath(None, "count")
    head, _, last = rest.rpartition("/")
    if head == "requests" and method == "GET":
        return AlertPath(unquote(last), "request")
    if head and last in _VERBS.get(method, ()):
        return AlertPath(unquote(head), last)
    if "/actions/" in rest and method == "POST":
        return AlertPath(unquote(rest.partition("/actions/")[0]), "action")
    verb = {"GET": "get", "DELETE": "delete"}.get(method)
    return None if verb is None else AlertPath(unquote(rest), verb)


class _Call(NamedTuple):
    """One request of a known sender."""

    request: Request
    door: Door
    sender: Sender
    key: Secret
    answering: Answering

    async def alert(self, target: AlertPath) -> Reply:
        verb, identifier = target.verb, target.identifier
        if verb == "request":
            return await self._status(identifier or "")
        if identifier is None:
            if verb == CREATE:
                return await self._create()
            if verb in ("list", "count"):
                return await self._list(verb)
            return self.answering.refused(405, "Method not allowed")
        found = await self._find(identifier)
        if verb in ("get", "logs", "notes", "recipients", "attachments") and (
            self.request.method in ("GET", "HEAD")
        ):
            return await self._show(found, verb)
        body = self._body()
        if isinstance(body, Reply):
            return body
        if verb == "notes":
            verb = "note"
            if text_of(body.get("note")) is None:
                return self.answering.unprocessable({"note": "Note can not be empty."})
        if verb in marks.VERBS:
            return await self._mark(verb, identifier, found, body)
        if (kind := KINDS.get(verb)) is not None:
            return await self._change(verb, kind, identifier, found, body)
        return await self._act(verb, identifier, found, body)

    def _body(self) -> dict[str, Any] | Reply:
        if not self.request.body.strip():
            return {}
        try:
            body = decode(self.request.body, self.request.headers.get("content-type"))
        except InvalidPayload:
            body = None
        if not isinstance(body, dict):
            return self.answering.refused(400, "Request body is not a valid JSON.")
        return body

    async def _find(self, identifier: str) -> Alert | None:
        """The alert that an identifier names; `identifierType` says how."""
        kind = self.request.first("identifierType") or "id"
        async with reading(self.door.engine) as session:
            if kind == "alias":
                return await alert_by_external_id(session, self.sender.id, identifier)
            if kind == "tiny":
                newest = await newest_alerts(session, self.sender.id, LOOKED_THROUGH)
                return next((each for each in newest if shown.tiny_id(each) == identifier), None)
            if not _UUID.fullmatch(identifier):
                return None
            return await alert_by_id(session, self.sender.id, UUID(identifier))

    async def _take(self, document: dict[str, Any]) -> tuple[Webhook | None, Reply]:
        shown_ = Shown(proof=self.key, answered=_recorded_status)
        webhook, answer = await self.door.take(self.request, self.sender, shown_, document)
        if webhook is not None:
            self.answering.request_id = UUID(bytes=webhook.id)
        if isinstance(answer, Accepted):
            return webhook, self.answering.accepted()
        return webhook, self.answering.declined(answer)

    async def _create(self) -> Reply:
        body = self._body()
        if isinstance(body, Reply):
            return body
        alias = text_of(body.get("alias")) or str(uuid7())
        _, reply = await self._take({"action": CREATE, "alias": alias, "body": body})
        return reply

    async def _change(
        self,
        verb: str,
        kind: SignalKind,
        identifier: str,
        found: Alert | None,
        body: dict[str, Any],
    ) -> Reply:
        if kind is SignalKind.UPDATE and text_of(body.get(verb)) is None:
            return self.answering.unprocessable({verb: f"{verb.title()} can not be empty."})
        by_alias = self.request.first("identifierType") == "alias"
        # Of an alias that is not there the road of webhooks says so, and remembers an early close.
        alias = found.external_id if found is not None else identifier if by_alias else None
        if alias is None:
            return await self._without_effect(verb, identifier, None, "Alert does not exist")
        document = {
            "action": verb,
            "alias": alias,
            "message": None if found is None else found.title,
            "alertId": str(found.id) if found is not None and found.status.is_live else None,
            "body": body,
        }
        _, reply = await self._take(document)
        return reply

    async def _mark(
        self, verb: str, identifier: str, found: Alert | None, body: dict[str, Any]
    ) -> Reply:
        if found is None or found.external_id is None:
            return await self._without_effect(verb, identifier, None, "Alert does not exist")
        marked = marks.marked(verb, self.request, body, found)
        if isinstance(marked, dict):
            return self.answering.unprocessable(marked)
        document = {
            "action": marked.action,
            "alias": found.external_id,
            "message": found.title,
            "alertId": str(found.id) if found.status.is_live else None,
            "labels": marked.labels,
            "metadata": marked.metadata,
            "body": body,
        }
        _, reply = await self._take(document)
        return reply

    async def _act(
        self, verb: str, identifier: str, found: Alert | None, body: dict[str, Any]
    ) -> Reply:
        """What the source cannot say by a signal: a person's note, a snooze."""
        if found is None:
            return await self._without_effect(verb, identifier, None, "Alert does not exist")
        at = self.request.received_at
        actor = Actor(
            ActorKind.SOURCE,
            text_of(body.get("user")) or self.sender.entry.name,
            self.sender.id,
        )
        note, until = text_of(body.get("note")), None
        if verb == "snooze":
            until, _ = parse_time(body.get("endTime"), self.sender.timezone)
            if until is None or until <= at:
                return self.answering.unprocessable({"endTime": "must be a time in the future"})
        elif verb in on_call.VERBS:
            why_not = await on_call.ask(verb, body, found, self.door, actor, at)
            done = found if why_not is None else None
            return await self._without_effect(verb, identifier, done, why_not or _IT_IS_DONE)
        elif verb != "note":
            return await self._without_effect(verb, identifier, None, _UNSUPPORTED)
        action = Action.NOTE if verb == "note" else Action.SNOOZE
        outcome = await self.door.actions.act(
            self.sender.entry.workspace_id, found.id, action, actor, at, note, until
        )
        is_done = isinstance(outcome, Acted)
        reason = _IT_IS_DONE if is_done else "The alert is closed"
        return await self._without_effect(verb, identifier, found if is_done else None, reason)

    async def _without_effect(
        self, verb: str, identifier: str, found: Alert | None, reason: str
    ) -> Reply:
        """202 as ever; what became of it is in the status of the request."""
        document = {
            "action": verb if verb not in KINDS else f"{verb} without an alert",
            "identifier": identifier,
            "alias": None if found is None else found.external_id,
            "alertId": None if found is None else str(found.id),
            "reason": reason,
        }
        _, reply = await self._take(document)
        return reply

    async def _status(self, identifier: str) -> Reply:
        found = None
        if _UUID.fullmatch(identifier):
            async with reading(self.door.engine) as session:
                found = await recorded_request(session, self.sender.id, UUID(identifier))
        if found is None:
            # Its SDKs ask again where they read this.
            return self.answering.refused(
                404,
                "Request not found. It might not be processed, yet.",
                x_opsgenie_errortype="RequestNotProcessed",
            )
        return self.answering.found(shown.request_shown(found, self.sender))

    async def _show(self, found: Alert | None, verb: str) -> Reply:
        if found is None:
            return self.answering.refused(404, "Alert does not exist")
        if verb == "get":
            return self.answering.found(
                shown.whole_alert(found, self.sender, self.request.received_at)
            )
        if verb in ("recipients", "attachments"):
            return self.answering.found([])
        async with reading(self.door.engine) as session:
            events = await timeline(session, found.id, 100)
        if verb == "notes":
            notes = [each for each in events if each.detail.get("note")]
            return self.answering.found([shown.note_shown(each) for each in notes])
        return self.answering.found([shown.log_shown(each) for each in events])

    async def _list(self, verb: str) -> Reply:
        query = self.request.first("query") or ""
        wanted = shown.wanted_by(query)
        if wanted is None:
            message = "only status, priority, tag, alias, message and source, joined by AND"
            return self.answering.unprocessable({"query": message})
        numbers = [self.request.first("offset") or "0", self.request.first("limit") or "20"]
        if not all(each.isascii() and each.isdigit() and len(each) < 7 for each in numbers):
            return self.answering.unprocessable({"limit": "offset and limit must be numbers"})
        async with reading(self.door.engine) as session:
            rows = await newest_alerts(session, self.sender.id, LOOKED_THROUGH)
        at = self.request.received_at
        found = [alert for row in rows if wanted(alert := shown.alert_shown(row, self.sender, at))]
        if verb == "count":
            return self.answering.found({"count": len(found)})
        if self.request.first("order") == "asc":
            found.reverse()
        offset, limit = int(numbers[0]), min(int(numbers[1]), 100)
        return self.answering.found(found[offset : offset + limit], paging={})

    async def heartbeat(self, rest: str) -> Reply:
        """`rest`: what follows `/v2/heartbeats`, as it was sent."""
        given, _, verb = rest.rpartition("/")
        asked = (self.request, self.door, self.sender, self.answering)
        if given and verb == "ping":
            return await self._ping(unquote(given))
        method, name = self.request.method, unquote(rest)
        if method in ("GET", "HEAD"):
            found = heartbeats.one(name, *asked) if rest else heartbeats.all_of_them(*asked)
            return await found
        body = self._body()
        if isinstance(body, Reply):
            return body
        match method:
            case "POST" if not rest:
                return await heartbeats.create(body, *asked)
            case "POST" if given and verb in ("enable", "disable"):
                switched = {"enabled": verb == "enable"}
                result = f"{verb.capitalize()}d"
                return await heartbeats.change(unquote(given), switched, *asked, result=result)
            case "PATCH" if rest:
                return await heartbeats.change(name, body, *asked)
            case "DELETE" if rest:
                return await heartbeats.delete(name, *asked)
        return self.answering.refused(405, "Method not allowed")

    async def _ping(self, name: str) -> Reply:
        """Of a name that nobody has it is answered, too, as Opsgenie does, and is on record."""
        reply = await heartbeats.ping(name, self.request, self.door, self.sender, self.answering)
        if reply is not None:
            return reply
        reason = f"a ping of the heartbeat {name[:100]!r}, which is not known here"
        _, reply = await self._take({"action": "ping", "identifier": name, "reason": reason})
        return self.answering.accepted(heartbeats.PONG) if reply.status == 202 else reply


def _recorded_status(webhook: Webhook) -> int:
    """For the record."""
    if isinstance(webhook.answer, Declined):
        return Answering().declined(webhook.answer).status
    return 202
