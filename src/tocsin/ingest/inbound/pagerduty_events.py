"""PagerDuty's Events API v2: `/v2/enqueue`, and `/v2/change/enqueue`, whose events are no alerts.

The routing key is in the body, and says which integration an event is for. Answers are those of the API:
202 with the `dedup_key`, 400 with a list of what is wrong, 429 and 5xx for what is to be sent again.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.inbound.base import Door, Request, json_reply
from tocsin.ingest.proof.scheme import ROUTING_KEY_LENGTH
from tocsin.ingest.received_webhook import Accepted, Declined, RefusalOutcome, Shown, Webhook
from tocsin.ingest.replies import Reply
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.pagerduty_events import PagerDutyEvents, dedup_key
from tocsin.model import Secret

EVENTS: Final = "/v2/enqueue"
CHANGES: Final = "/v2/change/enqueue"


class PagerDutyEventsApi:
    name: ClassVar[str] = PagerDutyEvents.type

    def serves(self, path: str) -> bool:
        return path in (EVENTS, CHANGES)

    async def reply(self, request: Request, door: Door) -> Reply:
        if request.method != "POST":
            return _reply(
                405, "invalid request", "Events are sent with POST", (), {"allow": "POST"}
            )
        try:
            event = decode(request.body, request.headers.get("content-type"))
        except InvalidPayload:
            event = None
        if not isinstance(event, dict):
            return _reply(
                400,
                "Unrecognized object",
                "Event object format is unrecognized",
                ("JSON parse error",),
            )
        key = event.get("routing_key") or request.headers.get("x-routing-key")
        if faults := _key_faults(key):
            return _invalid(faults)
        sender = await door.holder(PagerDutyEvents.type, Secret(str(key)))
        if sender is None:
            return _invalid(("Invalid routing key",))
        if request.path == CHANGES:
            if door.proves(sender, Secret(str(key)), request.received_at) is not None:
                return _invalid(("Invalid routing key",))
            # A deployment is no alert, and nothing here looks at one.
            return json_reply(202, {"status": "success", "message": "Change event processed"})
        shown = Shown(proof=Secret(str(key)), answered=_status)
        event.pop("routing_key", None)
        _, answer = await door.take(request, sender, shown, event)
        if isinstance(answer, Accepted):
            return json_reply(
                202,
                {"status": "success", "message": "Event processed", "dedup_key": dedup_key(event)},
            )
        return self.failed(request, answer)

    def failed(self, request: Request, refusal: Declined) -> Reply:
        if refusal.problem in ("rate-limited", "overloaded"):
            return _reply(
                429,
                "throttle exceeded",
                "Requests for this service are arriving too quickly.  Please retry later.",
                ("Enhance Your Calm.",),
                {"retry-after": "2"},
            )
        if refusal.outcome is RefusalOutcome.INVALID:
            return _invalid(_words(refusal), status=413 if refusal.status_code == 413 else 400)
        if refusal.status_code >= 500:
            return _reply(refusal.status_code, "error", refusal.detail, ())
        if refusal.status_code == 413:
            return _invalid((refusal.detail,), status=413)
        if refusal.problem == "integration-inactive":
            return _reply(403, "forbidden", refusal.detail, (refusal.detail,))
        return _invalid(("Invalid routing key",))


def _status(webhook: Webhook) -> int:
    answer = webhook.answer
    if isinstance(answer, Accepted):
        return 202
    return 400 if answer is None or answer.status_code == 401 else answer.status_code


def _key_faults(key: Any) -> tuple[str, ...]:
    if key is None or key == "":
        return ("'routing_key' is missing or blank",)
    faults = []
    if not isinstance(key, str) or len(key) != ROUTING_KEY_LENGTH:
        faults.append(
            f"Length of 'routing_key' is incorrect (should be {ROUTING_KEY_LENGTH} characters)"
        )
    if not isinstance(key, str) or not (key.isascii() and key.isalnum()):
        faults.append("'routing_key' cannot contain non-alphanumeric characters.")
    return tuple(faults)


def _words(refusal: Declined) -> tuple[str, ...]:
    said = []
    for fault in refusal.faults:
        name = fault["pointer"].removeprefix("/").replace("/", ".")
        if fault["code"] == "required":
            said.append(f"'{name}' is missing or blank")
        else:
            said.append(f"'{name}' is invalid: {fault['message']}")
    return tuple(said) or (refusal.detail,)


def _invalid(errors: tuple[str, ...], status: int = 400) -> Reply:
    return _reply(status, "invalid event", "Event object is invalid", errors)


def _reply(
    status: int,
    word: str,
    message: str,
    errors: tuple[str, ...],
    headers: dict[str, str] | None = None,
) -> Reply:
    document = {"status": word, "message": message, "errors": list(errors)}
    return json_reply(status, document, headers)
