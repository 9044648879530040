"""A form that is refused keeps all that was typed, with the focus at the first field that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.console.form_fields import Fields, fields_as_shown
from tests.console.site import Site, text_of
from tests.console.test_me_page import contact
from tests.support.answers import Answer

HOOK = "https://example.org/hook"


@dataclass(frozen=True)
class Form:
    """Where it is, by which field it is found, what is typed into it, and at which field that is wrong
    (empty: it says so in words alone)."""

    page: str
    having: str
    typed: dict[str, str]
    wrong: str
    act: str = "save"
    action: str = ""


def test_every_form_keeps_what_was_typed(site: Site) -> None:
    browser = site.browser("Ana")
    found: list[str] = []
    for form in _forms(site):
        shown = browser.get(form.page)
        fields = _typed(fields_as_shown(shown, form.having), form.typed)
        refused = browser.submit(form.action or form.page, [*fields, ("act", form.act)])
        found += [f"{form.page} ({form.having}): {each}" for each in _wrong(form, fields, refused)]
    assert not found, "\n".join(found)


def _wrong(form: Form, fields: Fields, refused: Answer) -> Iterator[str]:
    if refused.status != 422:
        yield f"answered {refused.status}: {text_of(refused)[:200]}"
        return
    kept = fields_as_shown(refused, form.having)
    if gone := [pair for pair in fields if pair not in kept]:
        yield f"lost {gone}"
    body = refused.body.decode()
    if form.wrong and f'aria-describedby="{form.wrong}-wrong" autofocus' not in body:
        yield f"no focus at {form.wrong}, but {re.findall('aria-describedby=.(.*?)-wrong', body)}"
    if f'id="{form.wrong}-wrong"' not in body and form.wrong:
        yield f"nothing is said at {form.wrong}"


def _typed(fields: Fields, typed: dict[str, str]) -> Fields:
    left = dict(typed)
    changed = [(name, left.pop(name, value)) for name, value in fields]
    assert not left, (left, fields)
    return changed


def _forms(site: Site) -> list[Form]:
    generic = _made(site, "/integrations", {"name": "probe", "type": "generic"})
    hook = _made(
        site, "/alert-destinations", {"name": "hook", "type": "webhook", "config": {"url": HOOK}}
    )
    events = {"event_types": ["alerts.triggered"]}
    rule = _made(site, "/alert-rules", {"name": "all", "destination_ids": [hook], **events})
    beat = _made(
        site, "/heartbeats", {"name": "backup", "period_seconds": 3600, "grace_seconds": 60}
    )
    schedule = _made(site, "/schedules", _schedule(site))
    # With a way to be reached come the lines by which one is paged.
    phone = contact(site, "Ana", "phone")
    zone = {"timezone": "Mars/Olympus"}
    minutes = {"repeat": "2", "steps-0-wait": "soon"}
    return [
        Form(
            "/integrations/new?type=generic",
            "name",
            {"name": "probe"},
            "name",
            "",
            "/integrations/new",
        ),
        Form(f"/integrations/{generic}/settings", "timezone", {"name": "n", **zone}, "timezone"),
        Form(
            f"/integrations/{generic}/mapping",
            "labels",
            {"title": "a[", "labels": "a = b"},
            "title",
        ),
        Form(
            "/destinations/new?type=webhook",
            "name",
            {"name": "mine", "config.url": "ftp://x"},
            "url",
            "",
            "/destinations/new",
        ),
        Form(
            f"/destinations/{hook}",
            "config.url",
            {"name": "renamed", "config.url": "ftp://x"},
            "url",
            "save",
            f"/destinations/{hook}/change",
        ),
        Form("/rules/new", "matchers", {"name": "r", "matchers": "nonsense"}, "matchers"),
        Form(f"/rules/{rule}", "matchers", {"name": "s", "matchers": "nonsense"}, "matchers"),
        Form("/silences/new", "matchers", {"matchers": "nonsense", "comment": "c"}, "matchers"),
        Form(
            "/maintenance/new",
            "matchers",
            {"name": "patch", "matchers": "host = db", "comment": "why", **zone},
            "timezone",
        ),
        Form(
            "/inhibition/new",
            "equal",
            {"name": "i", "source_matchers": "nonsense", "target_matchers": "a = b"},
            "source_matchers",
        ),
        Form("/heartbeats/new", "grace", {"name": "h", "grace": "soon"}, "grace"),
        Form(f"/heartbeats/{beat}", "grace", {"name": "h", "grace": "soon"}, "grace"),
        Form(
            "/schedules/new",
            "layers-0-turns",
            {"name": "s", "layers-0-turns": "Nobody Known", "layers-0-hours": "mon"},
            "layers-0-turns",
        ),
        Form(f"/schedules/{schedule}/edit", "layers-0-turns", {"name": "t", **zone}, "timezone"),
        Form(
            f"/schedules/{schedule}",
            "starts_at",
            {"starts_at": "2030-01-02T10:00", "ends_at": "2030-01-01T10:00", "comment": "c"},
            "ends_at",
        ),
        Form("/policies/new", "steps-0-wait", {"name": "p", **minutes}, "steps-0-wait"),
        Form("/me", "timezone", {"name": "Ann", **zone}, "timezone", "profile"),
        Form(
            "/me", "key-name", {"key-name": "k" * 201, "role": "viewer"}, "key", "make", "/me/keys"
        ),
        Form(
            "/me",
            "high-minutes",
            {"high-minutes": "soon", "high-method": phone},
            "",
            "",
            "/me/rules",
        ),
        Form("/me", "start-1", {"start-1": "22:00"}, "", "", "/me/quiet-hours"),
        Form(
            "/me/contact?type=webhook",
            "label",
            {"config.url": "ftp://x", "label": "work"},
            "url",
            "",
            "/me/contact",
        ),
        Form("/admin", "email", {"email": "nobody", "role": "viewer"}, "email", "invite"),
        Form("/admin", "name", {"name": "k" * 201, "role": "admin"}, "name", "make-key"),
        Form("/admin/tenants/new", "slug", {"name": "Acme", "slug": "No Slug"}, "slug"),
        Form("/admin/workspaces", "name", {"name": ""}, "name"),
        Form(
            "/admin/workspaces",
            "new-slug",
            {"new-name": "Night", "new-slug": "No Slug"},
            "new-slug",
            "make",
        ),
    ]


def _made(site: Site, path: str, body: dict[str, object]) -> str:
    return str(site.api.made(path, body)["id"])


def _schedule(site: Site) -> dict[str, object]:
    rotation = {"unit": "daily", "length": 1, "handoff_time": "09:00", "starts_on": "2026-01-05"}
    turns = [[str(site.people["Ana"])], [str(site.people["Ben"])]]
    layer = {"name": "days", "rotation": rotation, "participants": turns}
    return {"name": "Primary", "timezone": "UTC", "layers": [layer]}


def test_signing_in_keeps_the_address(site: Site) -> None:
    browser = site.browser()
    browser.get("/login")
    answer = browser.submit("/login", {"email": "ana@example.com", "password": "wrong"})
    assert ("email", "ana@example.com") in fields_as_shown(answer, "email")
