"""Sounds: off, unless somebody wishes that in a view of theirs what is new and severe enough is heard.

A view is a query of the list of alerts; what is wished for it is one of its person's preferences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import Severity
from tocsin.store.queries.sessions import set_preferences

_KEY = "sounds"
_MOST = 50
"""Views of one person with a sound; the one that was set first goes."""
_LONGEST_VIEW = 500

CHOICES = [
    ("", "Off"),
    (Severity.CRITICAL.value, "Critical"),
    (Severity.HIGH.value, "High or worse"),
    (Severity.MEDIUM.value, "Medium or worse"),
    (Severity.INFO.value, "Any"),
]


def routes(context: ConsoleContext) -> list[Route]:
    return [Route("/alerts/sound", opened(context, _set), methods=["POST"])]


def sound_of(preferences: Mapping[str, Any], view: str) -> str:
    """From which severity on what is new in this view is heard; empty: never."""
    wished = preferences.get(_KEY)
    return str(wished.get(view, "")) if isinstance(wished, dict) else ""


def with_sound(preferences: Mapping[str, Any], view: str, severity: str) -> dict[str, Any]:
    """The preferences with this for the view; of a severity that is none, off."""
    wished = preferences.get(_KEY)
    kept = {k: v for k, v in wished.items() if k != view} if isinstance(wished, dict) else {}
    if severity in {value for value, _ in CHOICES if value}:
        kept[view] = severity
    return {**preferences, _KEY: dict(list(kept.items())[-_MOST:])}


async def _set(call: Call) -> Response:
    form = await call.form()
    view = form.get("q", "")[:_LONGEST_VIEW]
    wishes = with_sound(call.visitor.preferences, view, form.get("sound", ""))
    async with call.context.writing() as session:
        await set_preferences(session, call.visitor.user_id, wishes)
    is_on = bool(sound_of(wishes, view))
    said = "What is new in this view is heard from now on." if is_on else "This view is silent."
    address = {name: form[name] for name in ("q", "group") if form.get(name) is not None}
    return go(f"/alerts?{urlencode(address)}", said)
