"""The editor of a mapping: tried on what came before it is in force."""

from __future__ import annotations

from typing import Any

from tests.console.form_fields import fields_as_shown
from tests.console.site import Site, text_of
from tocsin.console.integrations.mapping_page import NAMES
from tocsin.resources.integration_shapes import MappingIn

PAYLOAD = {"event": {"name": "Backup failed", "level": "desaster", "id": "b-7", "host": "nas-1"}}
FIELDS = {
    "title": "event.name",
    "severity": "event.level",
    "external_id": "event.id",
    "labels": "host = event.host",
    "severities": "desaster = critical",
    "kinds": "",
}


def sender(site: Site, type: str = "generic") -> str:
    made = site.api.made(
        "/integrations",
        {"name": "nas", "type": type, "auth_scheme": "token", "webhook_secret": "s" * 20},
    )
    root = type_of(site)(site.base_url, None)
    headers = {made["signature_header"]: "s" * 20}
    root.request("POST", f"/webhooks/{made['id']}", PAYLOAD, headers=headers)
    return str(made["id"])


def type_of(site: Site) -> Any:
    return type(site.api)


def mapping(site: Site) -> object:
    ((found,),) = site.sql("SELECT mapping FROM integrations")
    return found


def test_it_is_tried_on_what_came_and_then_put_in_force(site: Site) -> None:
    path = f"/integrations/{sender(site)}/mapping"
    browser = site.browser("Ana")
    assert "by what is in force" in text_of(browser.get(path))
    tried = text_of(browser.submit(path, {**FIELDS, "act": "try"}))
    assert "Critical Backup failed" in tried
    assert "host=nas-1" in tried
    assert mapping(site) is None
    saved = browser.follow(browser.submit(path, {**FIELDS, "act": "save"}))
    assert "The mapping is in force." in text_of(saved)
    assert mapping(site) == {
        "title": "event.name",
        "severity": "event.level",
        "external_id": "event.id",
        "labels": {"host": "event.host"},
        "severities": {"desaster": "CRITICAL"},
    }
    assert "desaster = CRITICAL" in saved.body.decode()
    browser.follow(browser.submit(path, {"act": "remove"}))
    assert mapping(site) is None


def test_one_is_proposed_with_reasons(site: Site) -> None:
    path = f"/integrations/{sender(site)}/mapping"
    browser = site.browser("Ana")
    browser.get(path)
    proposed = browser.submit(path, {"act": "suggest"})
    assert 'value="event.name"' in proposed.body.decode()
    assert "not in force" in text_of(proposed)
    assert mapping(site) is None


def test_what_is_wrong_is_said_at_the_field(site: Site) -> None:
    path = f"/integrations/{sender(site)}/mapping"
    browser = site.browser("Ana")
    browser.get(path)
    for field, value in (
        ("title", "event.["),
        ("labels", "host event.host\nteam"),
        ("severities", "desaster = awful"),
        ("kinds", "fixed = mended"),
    ):
        answer = browser.submit(path, {**FIELDS, field: value, "act": "save"})
        assert answer.status == 422, field
        assert f'id="{field}-wrong"' in answer.body.decode(), (field, text_of(answer))
    assert mapping(site) is None


def test_who_may_and_what_takes_none(site: Site) -> None:
    id = sender(site)
    responder = site.browser("Ben")
    responder.get(f"/integrations/{id}")
    refused = responder.submit(f"/integrations/{id}/mapping", FIELDS)
    assert "This takes the role admin" in text_of(refused)
    assert site.browser("Otto").get(f"/integrations/{id}/mapping").status == 404
    other = site.api.made("/integrations", {"name": "g", "type": "grafana"})
    browser = site.browser("Ana")
    answer = browser.follow(browser.get(f"/integrations/{other['id']}/mapping"))
    assert "it takes no mapping" in text_of(answer)


def test_the_form_has_all_that_a_mapping_may_say() -> None:
    assert set(NAMES) == set(MappingIn.model_fields)


def test_saving_it_as_it_is_loses_nothing(site: Site) -> None:
    id = sender(site)
    whole = {
        "alerts": "events",
        "title": "name",
        "description": "text",
        "severity": "level",
        "kind": "state",
        "external_id": "id",
        "triggered_at": "since",
        "occurred_at": "at",
        "tenant": "customer",
        "labels": {"host": "host"},
        "metadata": "{rack: rack, runbook: links.runbook}",
        "ignore": "is_test",
        "severities": {"desaster": "CRITICAL"},
        "kinds": {"mended": "resolve"},
    }
    site.api.patch(f"/integrations/{id}", {"mapping": whole})
    assert mapping(site) == whole
    path = f"/integrations/{id}/mapping"
    browser = site.browser("Ana")
    fields = fields_as_shown(browser.get(path), "title")
    browser.follow(browser.submit(path, [*fields, ("act", "save")]))
    assert mapping(site) == whole
