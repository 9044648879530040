"""By what one is paged and how soon, and when pages of low urgency wait."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.me import me_page
from tocsin.console.me.my_rule_lines import read_quiet_lines, read_rule_lines, rule_documents
from tocsin.resources import notification_rules, users
from tocsin.resources.notification_rules import NotificationRulesIn
from tocsin.resources.users import MePatch
from tocsin.store.tables import NotificationRule, User


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/me/rules", opened(context, _rules), methods=["POST"]),
        Route("/me/quiet-hours", opened(context, _quiet_hours), methods=["POST"]),
    ]


async def _rules(call: Call) -> Response:
    lines = read_rule_lines(await call.fields())
    if any(each.wrong for each in lines):
        words = "A delay is not a number of minutes; nothing was changed."
        return await me_page.show(call, {}, {"rules": words}, rules=lines)
    entered = forms.read(NotificationRulesIn, rule_documents(lines))
    if entered.body is None:
        return await me_page.show(call, {}, {"rules": forms.first(entered.faults)}, rules=lines)
    saved = await forms.save(_replace(call, entered.body))
    if saved.made is None:
        return await me_page.show(call, {}, {"rules": forms.first(saved.faults)}, rules=lines)
    return go("/me#rules", "Saved: this is how you are paged from now on.")


async def _replace(call: Call, body: NotificationRulesIn) -> Sequence[NotificationRule]:
    visitor = call.visitor
    async with call.context.configuring() as session:
        return await notification_rules.replace(
            session, visitor.principal, visitor.user_id, body, call.now
        )


async def _quiet_hours(call: Call) -> Response:
    windows = read_quiet_lines(await call.fields())
    entered = forms.read(MePatch, {"quiet_hours": windows or None})
    if entered.body is None:
        return await me_page.show(call, {}, {"quiet": _QUIET_FAULT}, quiet=windows)
    saved = await forms.save(_set_quiet_hours(call, entered.body))
    if saved.made is None:
        words = forms.first(saved.faults)
        return await me_page.show(call, {}, {"quiet": words}, quiet=windows)
    return go("/me#quiet", "Saved: pages of low urgency wait then.")


async def _set_quiet_hours(call: Call, body: MePatch) -> User:
    visitor = call.visitor
    async with call.context.configuring() as session:
        return await users.update(
            session, visitor.principal, visitor.user_id, body.changes(), None, call.now
        )


_QUIET_FAULT = "Each line takes a start, an end and at least one day; nothing was changed."
