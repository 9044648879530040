"""How a page of the console is made of a template, with the headers that every page has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jinja2
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tocsin.access.sessions import Visitor
from tocsin.console.frame.assets_found import find_assets
from tocsin.model import iso, utc_now

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_ID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_IDS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(rf"\bin message {_ID}"), r'in <a href="/deliveries/\1">one message</a>'),
    (re.compile(rf"\bwebhook delivery {_ID}"), "an earlier webhook"),
    (re.compile(rf"\breplay of {_ID}"), "replay of an earlier webhook"),
    (re.compile(rf" \({_ID}\)"), ""),
)
"""What a sentence names by an id, and what a person reads in its place."""

SAID_COOKIE = "tocsin_said"
_LONGEST_SAID = 300

PAGES = frozenset(
    {
        "home",
        "alerts",
        "board",
        "overview",
        "silences",
        "maintenance",
        "inhibition",
        "schedules",
        "policies",
        "integrations",
        "heartbeats",
    }
    | {"rules", "destinations", "deliveries", "admin"}
)
"""Those that exist; the navigation shows no others."""
_USUAL: Mapping[str, Any] = {"theme": "", "keys": "on"}
"""The theme is the system's, and single keys act, unless a person wishes otherwise."""
_HUES = ("violet", "teal", "pink")


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page: who looks, where they are, and what is going on meanwhile."""

    visitor: Visitor
    place: str
    """The page, as the navigation names it."""
    open_count: int = 0
    said: str = ""
    """What was just done, if this page follows upon it."""
    pages: frozenset[str] = PAGES


def page(
    template: str,
    frame: Frame | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """`template` by its name below `console/`; without a frame, for somebody who has not signed in."""
    assets = find_assets()
    now = utc_now()
    zone = "UTC" if frame is None else frame.visitor.timezone
    preferences = dict(_USUAL) | ({} if frame is None else frame.visitor.preferences)
    body = (
        _environment()
        .get_template(f"console/{template}")
        .render(
            assets=assets,
            frame=frame,
            visitor=None if frame is None else frame.visitor,
            preferences=preferences,
            now=now,
            zone=zone,
            now_zone=now.astimezone(_zone(zone)).tzname(),
            **{"said": "" if frame is None else frame.said, "undo": None, **values},
        )
    )
    response = HTMLResponse(body, status, headers={**HEADERS, **(headers or {})})
    if frame is not None and frame.said:
        response.delete_cookie(SAID_COOKIE)
    return response


def go(address: str, said: str = "") -> Response:
    """See there, with GET. The page there says once what was done: in a cookie, for an address can be
    anybody's."""
    response = RedirectResponse(
        address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"}
    )
    if said:
        response.set_cookie(
            SAID_COOKIE, quote(said[:_LONGEST_SAID]), max_age=20, httponly=True, samesite="lax"
        )
    return response


def clock(at: datetime | None, zone: str, form: str = "%H:%M") -> str:
    """The time of day where the viewer is; with the day, unless it is today."""
    if at is None:
        return ""
    local = at.astimezone(_zone(zone))
    today = utc_now().astimezone(_zone(zone)).date()
    day = "" if local.date() == today else f"{local:%a} {local.day} {local:%b} "
    return f"{day}{local.strftime(form)}"


def local_input(at: datetime, zone: str) -> str:
    """As a field of date and time has it."""
    return at.astimezone(_zone(zone)).strftime("%Y-%m-%dT%H:%M")


def age(at: datetime, now: datetime) -> str:
    """As the script of the page says it a second later."""
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3_600:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3_600} h"
    return f"{seconds // 86_400} d"


def countdown(at: datetime, now: datetime) -> str:
    left = max(timedelta(), at - now)
    minutes, seconds = divmod(int(left.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def moment(at: datetime | None, zone: str, form: str = "%H:%M") -> Markup:
    """A time in the viewer's zone, and in UTC for who rests on it."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        iso(at), at.strftime("%Y-%m-%d %H:%M:%S"), clock(at, zone, form)
    )


def localised(words: str, zone: str) -> str:
    """Words with the times in them as the viewer's clock has them."""
    return _TIME.sub(lambda found: clock(datetime.fromisoformat(found[0]), zone, "%H:%M:%S"), words)


def readable(words: str, zone: str) -> Markup:
    """Words as a person reads them: times by the viewer's clock, and no ids."""
    text = str(escape(localised(words, zone)))
    for pattern, instead in _IDS:
        text = pattern.sub(instead, text)
    return Markup(text)  # noqa: S704


def icon(name: str, classes: str = "") -> Markup:
    sprite = find_assets().icons
    if sprite is None:
        return Markup("")
    return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        classes, sprite, name
    )


def hue(name: str) -> str:
    """The colour of a person, always the same."""
    return _HUES[sha256(name.encode()).digest()[0] % len(_HUES)]


def person(name: str | None, classes: str = "") -> Markup:
    """A person's first letter in their colour."""
    if not name:
        return Markup('<span class="person nobody {}" title="nobody">–</span>').format(classes)
    return Markup('<span class="person {} {}" title="{}">{}</span>').format(
        hue(name), classes, name, name.strip()[:1].upper() or "?"
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tocsin.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        icon=icon, person=person, moment=moment, clock=clock, age=age, countdown=countdown
    )
    environment.filters.update(
        iso=iso, localised=localised, readable=readable, local_input=local_input, escape=escape
    )
    return environment
