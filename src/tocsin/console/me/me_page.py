"""One's own page: how one is reached and when, name, zone, how the console looks, password, sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.passwords import SHORTEST
from tocsin.access.vault import VaultError
from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.me.my_notices import boxes, ticked
from tocsin.console.me.my_rule_lines import DAYS, RuleLine, by_urgency, quiet_lines, rule_lines
from tocsin.console.notifying.destination_pages import kind_icon, kind_words
from tocsin.model import Role
from tocsin.resources import users
from tocsin.resources.destination_trials import last_tests
from tocsin.resources.members import member
from tocsin.resources.my_shifts import next_shifts
from tocsin.resources.users import MePatch
from tocsin.resources.web_push_key import web_push_key
from tocsin.store.paging import PageRequest
from tocsin.store.queries.api_keys import page_of_api_keys
from tocsin.store.queries.contact_methods import page_of_contact_methods
from tocsin.store.queries.notification_rules import rules_of
from tocsin.store.queries.schedules import feeds_of
from tocsin.store.queries.sessions import end_session, sessions_of, set_preferences
from tocsin.store.tables import User

_THEMES = ("", "light", "dark")


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/me", opened(context, _me), methods=["GET", "POST"]),
    ]


async def _me(call: Call) -> Response:
    if call.request.method == "GET":
        return await show(call, {}, {})
    form = await call.form()
    match form.get("act"):
        case "profile":
            document = {
                "name": form.get("name", "").strip(),
                "timezone": form.get("timezone", "").strip(),
            }
            return await _save(call, form, document)
        case "notices":
            return await _save(call, form, {"shift_notices": ticked(form)})
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
            kept = {**call.visitor.preferences, **wishes}
            async with call.context.writing() as session:
                await set_preferences(session, call.visitor.user_id, kept)
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


async def _save(call: Call, form: Mapping[str, str], document: Mapping[str, object]) -> Response:
    entered = forms.read(MePatch, document)
    if entered.body is None:
        return await show(call, form, entered.faults)
    body, caller = entered.body, call.visitor.principal
    if body.password is not None:
        async with call.context.reading() as session:
            stored = (await member(session, caller, call.visitor.user_id)).user.password_hash
        if not await users.may_replace_password(stored, body.current_password):
            return await show(call, form, {"current_password": "That is not your password."})
    password_hash = await users.hashed(body.password)
    saved = await forms.save(_update(call, body, password_hash))
    if saved.made is None:
        return await show(call, form, saved.faults)
    if password_hash is not None:
        return go("/login", "Your password is changed; sign in with it.")
    return go("/me", "Saved.")


async def _update(call: Call, body: MePatch, password_hash: str | None) -> User:
    visitor = call.visitor
    async with call.context.configuring() as session:
        return await users.update(
            session, visitor.principal, visitor.user_id, body.changes(), password_hash, call.now
        )


async def show(
    call: Call,
    form: Mapping[str, str],
    faults: Mapping[str, str],
    *,
    rules: Sequence[RuleLine] | None = None,
    quiet: Sequence[Mapping[str, Any]] | None = None,
    secret: tuple[str, str] | None = None,
) -> Response:
    """The page, with what was entered and what is wrong with it; `rules` and `quiet` hours as they were
    entered, and `secret`, a heading and what is shown this once."""
    visitor = call.visitor
    workspace_id, user_id = visitor.workspace_id, visitor.user_id
    async with call.context.reading() as session:
        user = (await member(session, visitor.principal, user_id)).user
        methods = await page_of_contact_methods(session, workspace_id, user_id, PageRequest(50))
        stored = await rules_of(session, workspace_id, user_id)
        tests = await last_tests(session, workspace_id, [row.id for row in methods.rows])
        keys = await page_of_api_keys(session, workspace_id, PageRequest(50), user_id)
        feeds = await feeds_of(session, workspace_id, user_id)
        shifts = await next_shifts(session, visitor.principal, user_id, call.now)
        sessions = await sessions_of(session, user_id)
    return page(
        "me.html",
        call.frame("me"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        user=user,
        has_password=user.password_hash is not None,
        values={
            "name": form.get("name", user.name),
            "timezone": form.get("timezone", user.timezone),
            "key-name": form.get("key-name", ""),
            "key-role": form.get("role", visitor.role.value),
        },
        faults=faults,
        least=SHORTEST,
        methods=[
            (row, kind_words(row.type), kind_icon(row.type), tests[row.id]) for row in methods.rows
        ],
        urgencies=by_urgency(rule_lines(stored) if rules is None else rules),
        has_rules=bool(stored),
        quiet=quiet_lines(user.quiet_hours if quiet is None else quiet),
        days=DAYS,
        shifts=shifts,
        notices=boxes(user.shift_notices),
        feeds=feeds,
        keys=keys.rows,
        roles=[each.value for each in Role if visitor.role.includes(each)],
        secret=secret,
        push_key=await _push_key(call),
        sessions=sessions,
        role=visitor.role.value,
        is_admin=call.may(Role.ADMIN),
    )


async def _push_key(call: Call) -> str | None:
    """With which a browser subscribes to push; None while it cannot be read."""
    try:
        return (await web_push_key(call.context.engine, call.context.vault)).public
    except VaultError:
        return None
