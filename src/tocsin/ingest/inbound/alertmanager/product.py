"""Alertmanager's API v2: what Prometheus, amtool, karma and Grafana ask of it.

    /am/{integration}/api/v2/…            the key in the header
    /am/{integration}/{token}/api/v2/…    the key in the path, for POST /alerts alone
    /api/v2/…                             the key says which integration
    …/-/healthy, …/-/ready                without a key

A token of the integration may post alerts. An API key may read (viewer), and post alerts and silences
(responder). Both may be a bearer token or the password of basic authentication.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar, Final, NamedTuple

from tocsin.access.api_keys import PREFIX as API_KEY_PREFIX
from tocsin.access.api_keys import Principal
from tocsin.ingest.inbound.alertmanager import answers
from tocsin.ingest.inbound.alertmanager.reading import read
from tocsin.ingest.inbound.alertmanager.silences import keep_silence
from tocsin.ingest.inbound.base import Door, Request
from tocsin.ingest.received_webhook import TRUSTED, Declined, Shown, Webhook
from tocsin.ingest.replies import Reply
from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.prometheus import LEFT_OUT, Prometheus, read_batch
from tocsin.model import Role, Secret

PREFIX: Final = "/am/"
API: Final = "/api/v2/"
HEALTH: Final = ("/-/healthy", "/-/ready")


class ApiPath(NamedTuple):
    """What an address names. `rest`: what follows `/api/v2/`, or the whole of `/-/…`."""

    integration: str | None
    token: str | None
    rest: str


def api_path(path: str) -> ApiPath | None:
    """None: it is no address of this API."""
    if path in HEALTH:
        return ApiPath(None, None, path)
    if path.startswith(API):
        return ApiPath(None, None, path[len(API) :])
    if not path.startswith(PREFIX):
        return None
    integration, _, after = path[len(PREFIX) :].partition("/")
    after = "/" + after
    if after in HEALTH:
        return ApiPath(integration, None, after)
    token = None
    if not after.startswith(API):
        token, _, after = after[1:].partition("/")
        after = "/" + after
    return ApiPath(integration, token, after[len(API) :]) if after.startswith(API) else None


class AlertmanagerApi:
    name: ClassVar[str] = "alertmanager"

    def serves(self, path: str) -> bool:
        return api_path(path) is not None or path.startswith((PREFIX, "/api/v1/"))

    async def reply(self, request: Request, door: Door) -> Reply:
        place = api_path(request.path)
        if place is None:
            if "/api/v1/" in request.path:
                text = "The Alertmanager v1 API was deprecated; use /api/v2/."
                return answers.refused(410, text)
            return answers.not_found()
        if place.rest in HEALTH:
            return Reply(200, answers.HEADERS, b"OK")
        if request.method == "OPTIONS":
            return answers.ok()
        if place.rest == "alerts" and request.method == "POST":
            return await _post_alerts(request, place, door)
        # A token in a path may post alerts, and nothing else is there.
        if place.token is not None:
            return answers.not_found()
        return await _for_readers(request, place, door)

    def failed(self, request: Request, refusal: Declined) -> Reply:
        return answers.declined(refusal)


def _key(request: Request, place: ApiPath) -> Secret | None:
    if place.token is not None:
        return Secret(place.token)
    return request.credentials("bearer", "basic")


async def _principal(request: Request, door: Door, needs: Role) -> Principal | Reply:
    key = request.credentials("bearer", "basic")
    principal = None if key is None else await door.principal(key, request.received_at)
    if principal is None:
        return answers.refused(401, "an API key is needed to read, and for silences")
    if not principal.role.includes(needs):
        return answers.refused(403, f"this takes an API key of role {needs.value}")
    return principal


async def _sender(
    request: Request, place: ApiPath, key: Secret | None, door: Door
) -> Sender | Reply:
    if place.integration is None:
        sender = await door.holder(Prometheus.type, key)
        if sender is None:
            return answers.refused(401, "no integration has this token")
        return sender
    found = await door.sender(place.integration)
    if isinstance(found, Declined):
        return answers.declined(found)
    if found.source.type != Prometheus.type:
        return answers.refused(404, "There is no integration at this address.")
    return found


async def _post_alerts(request: Request, place: ApiPath, door: Door) -> Reply:
    key = _key(request, place)
    if key is not None and key.reveal().startswith(API_KEY_PREFIX.encode()):
        principal = await _principal(request, door, Role.RESPONDER)
        if isinstance(principal, Reply):
            return principal
        if place.integration is None:
            return answers.refused(
                400, "with an API key, post to /am/<integration id>/api/v2/alerts"
            )
        sender = await _sender(request, place, key, door)
        if isinstance(sender, Sender) and sender.entry.workspace_id != principal.workspace_id:
            sender = answers.refused(404, "There is no integration at this address.")
        proof: Secret | None = None
    else:
        sender = await _sender(request, place, key, door)
        proof = key or Secret(b"")
    if isinstance(sender, Reply):
        return sender
    shown = Shown(
        proof=TRUSTED if proof is None else proof,
        origin=_origin(request, key),
        answered=_status,
    )
    webhook, answer = await door.take(request, sender, shown)
    if isinstance(answer, Declined):
        return answers.declined(answer)
    if webhook is not None and LEFT_OUT in webhook.flags:
        return _left_out(webhook)
    return answers.ok()


def _origin(request: Request, key: Secret | None) -> bytes:
    """A pair of replicas has one token, so their addresses tell them apart."""
    forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    name = (b"" if key is None else key.reveal()) + (forwarded or request.client).encode()
    return hashlib.sha256(name).digest()[:16]


def _status(webhook: Webhook) -> int:
    """What `_post_alerts` answers in the end, for the record."""
    if isinstance(webhook.answer, Declined):
        return answers.declined(webhook.answer).status
    return _left_out(webhook).status if LEFT_OUT in webhook.flags else 200


def _left_out(webhook: Webhook) -> Reply:
    """The good ones are stored; this says what was wrong with the others."""
    context = Context(webhook.headers, webhook.received_at, webhook.sender.timezone)
    try:
        _, faults = read_batch(decode(webhook.body, webhook.headers.get("content-type")), context)
    except InvalidPayload as error:
        faults = error.faults
    if all(fault.code == "required" for fault in faults):
        where = "alerts" + faults[0].pointer.replace("/", ".")
        return answers.refused(422, f"{where} in body is required", answers.Code.REQUIRED)
    return answers.said(400, "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults))


async def _for_readers(request: Request, place: ApiPath, door: Door) -> Reply:
    head, _, tail = place.rest.partition("/")
    changes = request.method in ("POST", "DELETE")
    principal = await _principal(request, door, Role.RESPONDER if changes else Role.VIEWER)
    if isinstance(principal, Reply):
        return principal
    integration_id = None
    if place.integration is not None:
        sender = await _sender(request, place, None, door)
        if isinstance(sender, Reply):
            return sender
        if sender.entry.workspace_id != principal.workspace_id:
            return answers.refused(404, "There is no integration at this address.")
        integration_id = sender.id
    if head in ("silences", "silence"):
        return await keep_silence(request, head, tail, door, principal)
    return await read(request, place.rest, door, principal, integration_id)
