"""The settings of an integration in the console: all of them, and its secrets, never shown again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.server import Client
from tests.console.form_fields import fields_as_shown
from tests.console.site import Site, text_of
from tocsin.console.integrations.integration_form import (
    NAMES,
    TIMES,
    document_of,
    read_fields,
    values_of,
)
from tocsin.resources.integration_shapes import IntegrationPatch

OWN: dict[str, Any] = {
    "name": "nas",
    "type": "generic",
    "default_severity": "MEDIUM",
    "timezone": "Europe/Vienna",
    "auth_scheme": "hmac",
    "signature_header": "X-Mine",
    "signature_algorithm": "sha512",
    "signature_format": "base64",
    "signature_prefix": "Bearer ",
    "signed_content": "timestamp.body",
    "timestamp_header": "X-Time",
    "timestamp_tolerance_seconds": 90,
    "deduplication_window_minutes": 75,
    "auto_resolve_minutes": 1_441,
    "kinds": {"mended": "resolve"},
    "mapping": {"title": "name"},
    "flapping": {
        "half_life_minutes": 12.5,
        "start": 4.0,
        "stop": 1.5,
        "quiet_minutes": 11.0,
        "longest_minutes": 100.0,
        "digest_minutes": 20.0,
    },
}


def stored(site: Site, id: str) -> dict[str, Any]:
    found: dict[str, Any] = site.api.get(f"/integrations/{id}").json()
    return {name: value for name, value in found.items() if name != "updated_at"}


def test_every_setting_has_its_field() -> None:
    assert set(IntegrationPatch.model_fields) - set(NAMES) == {"is_active", "mapping"}


def test_the_limits_of_times_are_those_of_the_api() -> None:
    schema = IntegrationPatch.model_json_schema()["properties"]
    for name, (unit, least, most) in TIMES.items():
        known = schema[name].get("anyOf", [schema[name]])[0]
        assert (least, most) == (known["minimum"] * unit, known["maximum"] * unit), name


def test_saving_it_as_it_is_loses_nothing(site: Site) -> None:
    made = site.api.made("/integrations", OWN)
    before = stored(site, made["id"])
    assert {name: before[name] for name in OWN} == OWN
    path = f"/integrations/{made['id']}/settings"
    browser = site.browser("Ana")
    fields = fields_as_shown(browser.get(path), "auth_scheme")
    saved = browser.follow(browser.submit(path, [*fields, ("act", "save")]))
    assert "Saved, and in force at once." in text_of(saved)
    assert stored(site, made["id"]) == before
    assert "signs, sha512 in X-Mine" in text_of(saved)


def test_it_is_changed_and_what_is_wrong_is_said_at_the_field(site: Site) -> None:
    made = site.api.made("/integrations", OWN)
    path = f"/integrations/{made['id']}/settings"
    browser = site.browser("Ana")
    fields = dict(fields_as_shown(browser.get(path), "auth_scheme"))
    for field, value in (
        ("name", ""),
        ("timezone", "Mars/Base"),
        ("signature_header", "not a header"),
        ("timestamp_header", ""),
        ("timestamp_tolerance_seconds", "8 d"),
        ("auto_resolve_minutes", "1 min"),
        ("deduplication_window_minutes", "90 s"),
        ("kinds", "mended = mended"),
        ("flapping-start", "many"),
        ("flapping-digest_minutes", "0"),
    ):
        answer = browser.submit(path, {**fields, field: value, "act": "save"})
        assert answer.status == 422, field
        assert f'id="{field}-wrong"' in answer.body.decode(), (field, text_of(answer))
    crossed = browser.submit(path, {**fields, "flapping-stop": "5", "act": "save"})
    assert "Stop must be below start." in text_of(crossed)
    more = {"auto_resolve_minutes": "", "flaps": "no", "auth_scheme": "token"}
    browser.follow(browser.submit(path, {**fields, **more, "act": "save"}))
    found = stored(site, made["id"])
    assert found["auto_resolve_minutes"] is None
    assert found["flapping"] is None
    assert found["auth_scheme"] == "token"


def test_a_secret_of_ones_own_and_how_long_the_old_one_is_accepted(site: Site) -> None:
    made = site.api.made("/integrations", {"name": "nas", "type": "generic"})
    path = f"/integrations/{made['id']}/settings"
    browser = site.browser("Ana")
    assert made["webhook_secret"] not in browser.get(path).body.decode()
    assert "One is accepted" in text_of(browser.get(path))
    for wrong in ({"webhook_secret": "short"}, {"overlap": "for ever"}):
        answer = browser.submit(path, {"overlap": "2 h", **wrong, "act": "rotate"})
        assert answer.status == 422, wrong
        assert f'id="{next(iter(wrong))}-wrong"' in answer.body.decode()
    own = "a-secret-of-the-tool"
    rotated = browser.submit(path, {"overlap": "2 h", "webhook_secret": own, "act": "rotate"})
    assert own in rotated.body.decode(), "shown this once"
    again = browser.get(path)
    assert own not in again.body.decode()
    assert "Two are accepted" in text_of(again)
    ((hours,),) = site.sql(
        "SELECT extract(epoch FROM previous_secret_expires_at - updated_at) / 3600"
        " FROM integrations"
    )
    assert hours == 2


def test_a_token_for_each_sender(site: Site) -> None:
    made = site.api.made(
        "/integrations", {"name": "nas", "type": "generic", "auth_scheme": "token"}
    )
    path = f"/integrations/{made['id']}/settings"
    browser = site.browser("Ana")
    browser.get(path)
    assert browser.submit(path, {"label": "", "act": "make-token"}).status == 422
    page = browser.submit(path, {"label": "nas-2", "act": "make-token"})
    found = re.search(r'id="token-made">([^<]+)<', page.body.decode())
    assert found is not None
    assert found[1] not in browser.get(path).body.decode()
    root = Client(site.base_url, None)
    headers = {made["signature_header"]: found[1]}
    hook = f"/webhooks/{made['id']}"
    assert root.request("POST", hook, {"title": "x"}, headers=headers).status == 201
    ((token_id,),) = site.sql("SELECT id FROM integration_tokens")
    browser.follow(browser.submit(path, {"token_id": str(token_id), "act": "revoke-token"}))
    assert root.request("POST", hook, {"title": "y"}, headers=headers).status == 401
    signs = site.api.made("/integrations", {"name": "g", "type": "grafana"})
    assert "Add a token" not in text_of(browser.get(f"/integrations/{signs['id']}/settings"))


def test_who_may(site: Site) -> None:
    made = site.api.made("/integrations", {"name": "nas", "type": "generic"})
    path = f"/integrations/{made['id']}/settings"
    assert site.browser("Otto").get(path).status == 404
    for name in ("Ben", "Vera"):
        browser = site.browser(name)
        assert "Only admins change it." in text_of(browser.follow(browser.get(path)))
        for act in ("save", "rotate", "make-token"):
            browser.get("/")
            assert browser.submit(path, {"act": act}).status == 403


@pytest.mark.parametrize("text", ["0", "0 s"])
def test_no_repeat_is_a_duplicate(text: str) -> None:
    columns = {name: OWN.get(name) for name in NAMES}
    values = read_fields({**values_of(columns), "deduplication_window_minutes": text})
    document, faults = document_of(values, takes_kinds=True)
    assert not faults
    assert document["deduplication_window_minutes"] == 0
