"""How one is reached: contact methods added, verified, tried and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.forms.config_fields import fields_of, read_config
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.notifying.destination_pages import kind_icon, kind_words
from tocsin.delivery.channels.registry import CONTACT_KINDS
from tocsin.delivery.outbound import AddressPolicy
from tocsin.resources import contact_methods
from tocsin.resources.contact_methods import ContactMethodIn, NotVerified
from tocsin.resources.contact_verification import (
    AlreadyVerified,
    CodeOutcome,
    ContactVerified,
    TooManyCodes,
    VerifyOutcome,
    WrongCode,
    send_code,
    verify,
)
from tocsin.resources.destination_trials import TrialOutcome, TrialQueued, TrialRateLimited
from tocsin.store.tables import AlertDestination


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/me/contact", opened(context, _add), methods=["GET", "POST"]),
        Route("/me/contact/{id:uuid}", opened(context, _contact), methods=["POST"]),
    ]


async def _add(call: Call) -> Response:
    """A way to be reached; then the code that is sent to it."""
    if call.request.method == "GET":
        return _ask(call, call.request.query_params.get("type", ""), {}, "", {})
    form = await call.form()
    kind = form.get("type", "")
    if kind not in CONTACT_KINDS:
        return _ask(call, "", {}, "", {})
    config = read_config(kind, form)
    document: dict[str, Any] = {"type": kind, "config": config}
    label = form.get("label", "").strip()
    if label:
        document["label"] = label
    entered = forms.read(ContactMethodIn, document)
    if entered.body is None:
        return _ask(call, kind, config, label, entered.faults)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return _ask(call, kind, config, label, saved.faults)
    outcome = await forms.save(_send_code(call, saved.made.id))
    return go("/me#contacts", _code_words(outcome.made))


async def _create(call: Call, body: ContactMethodIn) -> AlertDestination:
    context, visitor = call.context, call.visitor
    async with context.configuring() as session:
        return await contact_methods.create(
            session,
            context.vault,
            AddressPolicy.of(context.settings.outbound_allow),
            visitor.principal,
            visitor.user_id,
            body,
            call.now,
        )


async def _send_code(call: Call, contact_method_id: UUID) -> CodeOutcome:
    async with call.context.writing() as session:
        return await send_code(
            session, call.context.codes, call.visitor.principal, contact_method_id, call.now
        )


def _code_words(outcome: CodeOutcome | None) -> str:
    match outcome:
        case TrialQueued():
            return "A code is on its way; enter it here."
        case TrialRateLimited(retry_after=seconds):
            return f"One code a minute; try again in {seconds} s."
        case AlreadyVerified():
            return "It is verified already."
        case TooManyCodes():
            return "Too many codes were sent today."
        case _:
            return "No code could be sent."


def _ask(
    call: Call, kind: str, config: Mapping[str, Any], label: str, faults: Mapping[str, str]
) -> Response:
    chosen = kind if kind in CONTACT_KINDS else ""
    usual = {"timezone": call.visitor.timezone, "recipients": [call.visitor.email], **config}
    return page(
        "contact_new.html",
        call.frame("me"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        kinds=[(each, kind_words(each), kind_icon(each)) for each in CONTACT_KINDS],
        chosen=chosen,
        words=kind_words(kind) if chosen else "",
        fields=fields_of(chosen, usual) if chosen else [],
        label=label,
        faults=faults,
    )


async def _contact(call: Call) -> Response:
    contact_method_id: UUID = call.request.path_params["id"]
    form = await call.form()
    match form.get("act"):
        case "verify":
            verified = await forms.save(_verify(call, contact_method_id, form.get("code", "")))
            said = _verified_words(verified.made)
        case "code":
            sent = await forms.save(_send_code(call, contact_method_id))
            said = _code_words(sent.made)
        case "test":
            tested = await forms.save(_test(call, contact_method_id))
            said = _test_words(tested.made) if tested.made else forms.first(tested.faults)
        case "delete":
            deleted = await forms.save(_delete(call, contact_method_id))
            said = "Deleted." if deleted.made else deleted.faults.get(forms.WHOLE, "Not deleted.")
        case _:
            said = ""
    return go("/me#contacts", said)


async def _verify(call: Call, contact_method_id: UUID, typed: str) -> VerifyOutcome:
    async with call.context.configuring() as session:
        return await verify(
            session,
            call.context.codes,
            call.visitor.principal,
            contact_method_id,
            typed[:20],
            call.now,
        )


def _verified_words(outcome: VerifyOutcome | None) -> str:
    match outcome:
        case ContactVerified():
            return "Verified: you can be paged by it."
        case WrongCode(tries_left=tries):
            return f"That is not the code; {tries} more can be tried."
        case _:
            return "No code is valid any more; have another one sent."


async def _delete(call: Call, contact_method_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await contact_methods.delete(session, call.visitor.principal, contact_method_id, call.now)
    return True


async def _test(call: Call, contact_method_id: UUID) -> TrialOutcome | NotVerified:
    async with call.context.writing() as session:
        return await contact_methods.plan_test(
            session, call.visitor.principal, contact_method_id, call.now
        )


def _test_words(outcome: TrialOutcome | NotVerified) -> str:
    match outcome:
        case TrialQueued():
            return "A test is on its way, as a page would be."
        case TrialRateLimited(retry_after=seconds):
            return f"One test a minute; try again in {seconds} s."
        case NotVerified():
            return "Enter the code that was sent to it first."
        case _:
            return "It is switched off."
