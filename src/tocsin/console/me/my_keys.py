"""Keys and addresses that act for their person: API keys, and the calendar of one's shifts."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.me import me_page
from tocsin.resources import api_keys, calendar_feeds
from tocsin.resources.api_keys import OwnApiKeyIn
from tocsin.resources.calendar_feeds import CalendarFeedIn


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/me/keys", opened(context, _keys), methods=["POST"]),
        Route("/me/calendar", opened(context, _calendar), methods=["POST"]),
    ]


async def _keys(call: Call) -> Response:
    form = await call.form()
    if form.get("act") == "revoke":
        saved = await forms.save(_revoke(call, form.get("id", "")))
        return go("/me#keys", "Revoked." if saved.made else forms.first(saved.faults))
    document = {"name": form.get("key-name", "").strip(), "role": form.get("role", "") or None}
    entered = forms.read(OwnApiKeyIn, document)
    if entered.body is None:
        return await me_page.show(call, form, {"key": forms.first(entered.faults)})
    made = await forms.save(_make(call, entered.body))
    if made.made is None:
        return await me_page.show(call, form, {"key": forms.first(made.faults)})
    return await me_page.show(call, {}, {}, secret=("Your API key, shown this once", made.made))


async def _make(call: Call, body: OwnApiKeyIn) -> str:
    async with call.context.writing() as session:
        made = await api_keys.create_own(session, call.visitor.principal, body, call.now)
    return made.key


async def _revoke(call: Call, api_key_id: str) -> bool:
    found = _id(api_key_id)
    if found is not None:
        async with call.context.writing() as session:
            await api_keys.revoke_own(session, call.visitor.principal, found, call.now)
    return found is not None


async def _calendar(call: Call) -> Response:
    form = await call.form()
    if form.get("act") == "delete":
        saved = await forms.save(_forget(call, form.get("id", "")))
        return go(
            "/me#shifts", "That address works no more." if saved.made else forms.first(saved.faults)
        )
    made = await forms.save(_subscribe(call))
    if made.made is None:
        return go("/me#shifts", forms.first(made.faults))
    words = "The address of your calendar, shown this once: subscribe to it"
    return await me_page.show(call, {}, {}, secret=(words, made.made))


async def _subscribe(call: Call) -> str:
    visitor = call.visitor
    body = CalendarFeedIn(name=f"{visitor.name}, from the console", user_id=visitor.user_id)
    async with call.context.writing() as session:
        _, token = await calendar_feeds.create(session, visitor.principal, body, call.now)
    return calendar_feeds.address(token, call.context.settings.base_url)


async def _forget(call: Call, feed_id: str) -> bool:
    found = _id(feed_id)
    if found is not None:
        async with call.context.writing() as session:
            await calendar_feeds.delete_own(session, call.visitor.principal, found, call.now)
    return found is not None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
