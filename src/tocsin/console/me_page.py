"""Oneself: name and zone, how the console looks, how one is reached, password, sessions."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.passwords import SHORTEST
from tocsin.console import forms
from tocsin.console.config_fields import fields_of, read_config
from tocsin.console.context import ConsoleContext
from tocsin.console.destination_pages import kind_icon, kind_words
from tocsin.console.door import Call, opened
from tocsin.console.render import go, page
from tocsin.delivery.channels.registry import CONTACT_KINDS
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import Role
from tocsin.resources import contact_methods, users
from tocsin.resources.contact_methods import ContactMethodIn
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
from tocsin.resources.destination_trials import TrialQueued, TrialRateLimited
from tocsin.resources.members import member
from tocsin.resources.users import MePatch
from tocsin.store.paging import PageRequest
from tocsin.store.queries.contact_methods import page_of_contact_methods
from tocsin.store.queries.notification_rules import rules_of
from tocsin.store.queries.sessions import end_session, sessions_of, set_preferences
from tocsin.store.tables import AlertDestination, User

_THEMES = ("", "light", "dark")


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/me", opened(context, _me), methods=["GET", "POST"]),
        Route("/me/contact", opened(context, _add), methods=["GET", "POST"]),
        Route("/me/contact/{id:uuid}", opened(context, _contact), methods=["POST"]),
    ]


async def _me(call: Call) -> Response:
    if call.request.method == "GET":
        return await _show(call, {}, {})
    form = await call.form()
    match form.get("act"):
        case "profile":
            document = {
                "name": form.get("name", "").strip(),
                "timezone": form.get("timezone", "").strip(),
            }
            return await _save(call, form, document)
        case "password":
            document = {"password": form.get("password", "")}
            if form.get("current_password"):
                document["current_password"] = form["current_password"]
            return await _save(call, form, document)
        case "looks":
            theme = form.get("theme", "")
            wishes = {
                "theme": theme if theme in _THEMES else "",
                "keys": "off" if form.get("keys") == "off" else "on",
            }
            async with call.context.writing() as session:
                await set_preferences(session, call.visitor.user_id, wishes)
            return go("/me", "Saved.")
        case "end-session":
            try:
                session_id = UUID(form.get("session", ""))
            except ValueError:
                return go("/me")
            async with call.context.writing() as session:
                await end_session(session, call.visitor.user_id, session_id)
            return go("/me", "That session is over.")
        case _:
            return go("/me")


async def _save(call: Call, form: Mapping[str, str], document: dict[str, str]) -> Response:
    entered = forms.read(MePatch, document)
    if entered.body is None:
        return await _show(call, form, entered.faults)
    body, caller = entered.body, call.visitor.principal
    if body.password is not None:
        async with call.context.reading() as session:
            stored = (await member(session, caller, call.visitor.user_id)).user.password_hash
        if not await users.may_replace_password(stored, body.current_password):
            return await _show(call, form, {"current_password": "That is not your password."})
    password_hash = await users.hashed(body.password)
    saved = await forms.save(_update(call, body, password_hash))
    if saved.made is None:
        return await _show(call, form, saved.faults)
    if password_hash is not None:
        return go("/login", "Your password is changed; sign in with it.")
    return go("/me", "Saved.")


async def _update(call: Call, body: MePatch, password_hash: str | None) -> User:
    visitor = call.visitor
    async with call.context.configuring() as session:
        return await users.update(
            session, visitor.principal, visitor.user_id, body.changes(), password_hash, call.now
        )


async def _show(call: Call, form: Mapping[str, str], faults: Mapping[str, str]) -> Response:
    visitor = call.visitor
    async with call.context.reading() as session:
        user = (await member(session, visitor.principal, visitor.user_id)).user
        methods = await page_of_contact_methods(
            session, visitor.workspace_id, visitor.user_id, PageRequest(50)
        )
        rules = await rules_of(session, visitor.workspace_id, visitor.user_id)
        sessions = await sessions_of(session, visitor.user_id)
    return page(
        "me.html",
        call.frame("me"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        user=user,
        has_password=user.password_hash is not None,
        values={
            "name": form.get("name", user.name),
            "timezone": form.get("timezone", user.timezone),
        },
        faults=faults,
        least=SHORTEST,
        methods=[(row, kind_words(row.type), kind_icon(row.type)) for row in methods.rows],
        rules=[(rule, _name_of(rule.contact_method_id, methods.rows)) for rule in rules],
        sessions=sessions,
        role=visitor.role.value,
        is_admin=call.may(Role.ADMIN),
    )


def _name_of(contact_method_id: UUID, rows: Any) -> str:
    return next((row.name for row in rows if row.id == contact_method_id), "one since deleted")


async def _add(call: Call) -> Response:
    """A way to be reached; then the code that is sent to it."""
    if call.request.method == "GET":
        return _ask(call, call.request.query_params.get("type", ""), {}, {})
    form = await call.form()
    kind = form.get("type", "")
    if kind not in CONTACT_KINDS:
        return _ask(call, "", {}, {})
    config = read_config(kind, form)
    document: dict[str, Any] = {"type": kind, "config": config}
    if label := form.get("label", "").strip():
        document["label"] = label
    entered = forms.read(ContactMethodIn, document)
    if entered.body is None:
        return _ask(call, kind, config, entered.faults)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return _ask(call, kind, config, saved.faults)
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


def _ask(call: Call, kind: str, config: Mapping[str, Any], faults: Mapping[str, str]) -> Response:
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
