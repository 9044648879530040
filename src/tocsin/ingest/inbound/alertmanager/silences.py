"""Silences as Alertmanager has them, kept as those of the workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.ingest.inbound.alertmanager import answers
from tocsin.ingest.inbound.alertmanager.matching import QueryMatcher, to_label, to_name
from tocsin.ingest.inbound.base import Door, Request, SilenceView, SilenceWish
from tocsin.ingest.replies import Reply
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.kit.times import parse_time
from tocsin.model import Fault

KEPT_FOR: Final = timedelta(hours=120)
"""An expired silence is listed for so long."""

_REQUIRED: Final = ("matchers", "startsAt", "endsAt", "createdBy", "comment")
_STATES: Final = ("active", "pending", "expired")


async def keep_silence(
    request: Request, head: str, tail: str, door: Door, caller: Principal
) -> Reply:
    """Answer what follows `/api/v2/`: `silences`, or `silence` and an id (`tail`)."""
    if head == "silences" and not tail:
        if request.method == "POST":
            return await _post(request, door, caller)
        if request.method in ("GET", "HEAD"):
            return await _list(request, door, caller)
        return answers.not_allowed(request.method, "GET", "POST")
    if head == "silences" or not tail or "/" in tail:
        return answers.not_found()
    try:
        silence_id = UUID(tail)
    except ValueError:
        message = f'silenceID in path must be of type uuid: "{tail}"'
        return answers.refused(422, message, answers.Code.TYPE)
    found = await _find(door, caller, silence_id)
    if found is None:
        return Reply(404, answers.HEADERS, b"")
    if request.method in ("GET", "HEAD"):
        return answers.ok(_shown(found, request.received_at))
    if request.method != "DELETE":
        return answers.not_allowed(request.method, "GET", "DELETE")
    await door.silences.expire(caller, silence_id, request.received_at)
    return answers.ok()


async def _find(door: Door, caller: Principal, silence_id: UUID) -> SilenceView | None:
    everything = await door.silences.all(caller)
    return next((each for each in everything if each.id == silence_id), None)


async def _list(request: Request, door: Door, caller: Principal) -> Reply:
    now = request.received_at
    try:
        filters = [QueryMatcher.read(value) for name, value in request.query if name == "filter"]
    except ValueError as error:
        return answers.said(400, str(error))
    hidden = {name for name, value in request.query if name in _STATES and value == "false"}
    shown = [
        _shown(each, now)
        for each in await door.silences.all(caller)
        if each.ends_at > now - KEPT_FOR and _has(each, filters)
    ]
    kept = [each for each in shown if each["status"]["state"] not in hidden]
    return answers.ok(sorted(kept, key=_order))


def _has(silence: SilenceView, filters: list[QueryMatcher]) -> bool:
    """A filter is one of the silence's own matchers, word for word."""
    own = {(to_name(each["label"]), each["op"], each["value"]) for each in silence.matchers}
    return all((each.name, each.op, each.value) in own for each in filters)


def _order(silence: dict[str, Any]) -> tuple[int, float]:
    """Active ones by their end, pending ones by their start, expired ones by their end, last first."""
    state = silence["status"]["state"]
    at = datetime.fromisoformat(silence["startsAt" if state == "pending" else "endsAt"])
    seconds = at.timestamp()
    return _STATES.index(state), -seconds if state == "expired" else seconds


def _shown(silence: SilenceView, now: datetime) -> dict[str, Any]:
    state = "expired" if silence.ends_at <= now else "active"
    return {
        "id": str(silence.id),
        "status": {"state": "pending" if silence.starts_at > now else state},
        "updatedAt": answers.time_text(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.author,
        "endsAt": answers.time_text(silence.ends_at),
        "matchers": [
            {
                "isEqual": each["op"] in ("=", "=~"),
                "isRegex": each["op"] in ("=~", "!~"),
                "name": to_name(each["label"]),
                "value": each["value"],
            }
            for each in silence.matchers
        ],
        "startsAt": answers.time_text(silence.starts_at),
    }


async def _post(request: Request, door: Door, caller: Principal) -> Reply:
    now = request.received_at
    wish = _wish(request, caller, now)
    if isinstance(wish, Reply):
        return wish
    given, wished = wish
    if given is not None:
        before = await _find(door, caller, given)
        if before is None:
            return answers.said(404, "silence not found")
        if _may_change(before, wished, now):
            faults = await door.silences.change(caller, given, wished, now)
            return _invalid(faults) if faults else answers.ok({"silenceID": str(given)})
    made = await door.silences.create(caller, wished, now)
    if not isinstance(made, UUID):
        return _invalid(made)
    if given is not None:
        await door.silences.expire(caller, given, now)
    return answers.ok({"silenceID": str(made)})


def _invalid(faults: list[Fault]) -> Reply:
    said = "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults)
    return answers.said(400, f"silence invalid: {said}")


def _may_change(before: SilenceView, wished: SilenceWish, now: datetime) -> bool:
    """Whether it is changed in place; anything else ends it, and makes another."""
    if before.matchers != wished.matchers or before.ends_at <= now:
        return False
    if before.starts_at <= now:
        same_second = int(before.starts_at.timestamp()) == int(wished.asked_start.timestamp())
        if same_second:
            wished.starts_at = before.starts_at
        return same_second and wished.ends_at >= now
    return wished.asked_start >= now


def _wish(
    request: Request, caller: Principal, now: datetime
) -> tuple[UUID | None, SilenceWish] | Reply:
    try:
        body = decode(request.body, None)
    except InvalidPayload as error:
        return answers.refused(400, f'parsing silence body from "" failed, because {error}')
    if not isinstance(body, dict):
        return answers.refused(400, 'parsing silence body from "" failed, because it is no object')
    for name in _REQUIRED:
        if body.get(name) is None:
            return answers.refused(
                422, f"silence.{name} in body is required", answers.Code.REQUIRED
            )
    if not isinstance(body["matchers"], list) or not body["matchers"]:
        message = "silence.matchers in body should have at least 1 items"
        return answers.refused(422, message, answers.Code.TOO_FEW)
    matchers = []
    for index, each in enumerate(body["matchers"]):
        found = _matcher(each)
        if found is None:
            return answers.refused(400, f"silence.matchers.{index} is no matcher")
        matchers.append(found)
    starts, start_is_odd = parse_time(body["startsAt"], UTC)
    ends, end_is_odd = parse_time(body["endsAt"], UTC)
    if start_is_odd or end_is_odd:
        return answers.refused(400, "startsAt and endsAt must be times of RFC 3339")
    if ends is None or ends <= (starts or now):
        return answers.said(400, "Failed to create silence: start time must be before end time")
    if ends <= now:
        return answers.said(400, "Failed to create silence: end time can't be in the past")
    if all(_matches_nothing_too(each) for each in matchers):
        return answers.said(
            400, "silence invalid: at least one matcher must not match the empty string"
        )
    silence_id = None
    if body.get("id"):
        try:
            silence_id = UUID(str(body["id"]))
        except ValueError:
            return answers.said(404, "silence not found")
    wished = SilenceWish(
        matchers=[{**each, "label": to_label(each["label"])} for each in matchers],
        asked_start=starts or now,
        starts_at=max(starts or now, now),
        ends_at=ends,
        author=str(body["createdBy"])[:200].strip() or caller.name,
        comment=str(body["comment"])[:10_000].strip() or "no comment",
    )
    return silence_id, wished


def _matcher(given: Any) -> dict[str, str] | None:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str) or not given["name"]:
        return None
    if not isinstance(given.get("value"), str):
        return None
    is_regex, is_equal = given.get("isRegex", False), given.get("isEqual")
    if not isinstance(is_regex, bool) or not isinstance(is_equal, (bool, type(None))):
        return None
    op = ("=" if is_equal is not False else "!") + ("~" if is_regex else "")
    op = {"!": "!=", "=": "=", "=~": "=~", "!~": "!~"}[op]
    return {"label": given["name"], "op": op, "value": given["value"]}


def _matches_nothing_too(matcher: dict[str, str]) -> bool:
    try:
        return QueryMatcher(matcher["label"], matcher["op"], matcher["value"]).matches({})
    except ValueError:
        # What cannot be compiled is refused further on, with the reason.
        return False
