"""The editor of an escalation policy, without scripts."""

from __future__ import annotations

from typing import Any

from tests.console.site import Site, text_of
from tests.console.test_on_call_pages import schedule


def fields(site: Site, **more: str) -> list[tuple[str, str]]:
    made = {
        "name": "Shop",
        "repeat": "1",
        "exhausted": "",
        "ack_timeout": "",
        "steps-0-targets": f"user:{site.people['Ana']}",
        "steps-0-mode": "everyone",
        "steps-0-wait": "5",
        "steps-1-targets": f"user:{site.people['Ben']}",
        "steps-1-mode": "round_robin",
        "steps-1-wait": "0.5",
        "steps-1-min_severity": "HIGH",
        "steps-1-matchers": "service = shop",
        "steps-1-hours": "mon-fri 09:00-17:00 Europe/Vienna",
        **more,
    }
    return list(made.items())


def steps(site: Site) -> list[dict[str, Any]]:
    ((found,),) = site.sql("SELECT steps FROM escalation_policies WHERE deleted_at IS NULL")
    assert isinstance(found, list)
    return found


def test_a_policy_is_made_after_seeing_who_would_be_woken(site: Site) -> None:
    schedule_id = schedule(site)
    browser = site.browser("Ana")
    assert "Add a policy" in text_of(browser.get("/policies"))
    browser.get("/policies/new")
    both = [*fields(site, act="try"), ("steps-0-targets", f"schedule:{schedule_id}")]
    words = text_of(browser.submit("/policies/new", both))
    assert "Step 1" in words
    assert "Nobody has answered" in words
    assert site.sql("SELECT count(*) FROM escalation_policies") == [(0,)]
    made = browser.follow(
        browser.submit(
            "/policies/new",
            [*fields(site, act="save"), ("steps-0-targets", f"schedule:{schedule_id}")],
        )
    )
    assert "“Shop” is made" in text_of(made)
    first, second = steps(site)
    assert [each["type"] for each in first["targets"]] == ["user", "schedule"]
    assert (second["wait_seconds"], second["mode"]) == (30, "round_robin")
    assert second["condition"]["min_severity"] == "HIGH"
    assert second["condition"]["hours"][0]["timezone"] == "Europe/Vienna"
    page = text_of(made)
    assert "Would they wake up?" in page
    assert page.index("Ana") < page.index("Ben")


def test_what_was_saved_is_what_the_form_shows(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/policies/new")
    browser.submit("/policies/new", fields(site, act="save"))
    ((policy_id,),) = site.sql("SELECT id FROM escalation_policies")
    before = steps(site)
    page = browser.get(f"/policies/{policy_id}/edit").body.decode()
    assert "mon-fri 09:00-17:00 Europe/Vienna" in page
    assert 'value="0.5"' in page
    browser.follow(browser.submit(f"/policies/{policy_id}/edit", fields(site, act="save")))
    assert steps(site) == before
    assert site.sql("SELECT version FROM escalation_policies") == [(1,)], "nothing was changed"
    browser.get(f"/policies/{policy_id}/edit")
    browser.submit(f"/policies/{policy_id}/edit", fields(site, act="save", repeat="0"))
    assert site.sql("SELECT version, repeat FROM escalation_policies") == [(2, 0)]


def test_steps_and_targets_are_put_in_without_saving(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/policies/new")
    more = browser.submit("/policies/new", fields(site, act="target-0")).body.decode()
    assert more.count('name="steps-0-targets"') == 2
    up = browser.submit("/policies/new", fields(site, act="up-1")).body.decode()
    assert up.index("service = shop") < up.index('name="steps-1-targets"')
    added = browser.submit("/policies/new", fields(site, act="add")).body.decode()
    assert 'name="steps-2-targets"' in added
    assert site.sql("SELECT count(*) FROM escalation_policies") == [(0,)]


def test_what_is_wrong_is_said_at_the_field(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/policies/new")
    for field, value, words in (
        ("steps-0-targets", "", "Say who is reached."),
        ("steps-0-wait", "soon", "Minutes, from 0.2"),
        ("steps-1-matchers", "nonsense", "“nonsense” is no matcher"),
        ("steps-1-hours", "noon", "“noon” is no time"),
        ("repeat", "12", "less than or equal"),
        ("steps-0-targets", f"user:{site.people['Otto']}", "not there any more"),
    ):
        answer = browser.submit("/policies/new", fields(site, act="save", **{field: value}))
        assert answer.status == 422, field
        assert words in text_of(answer), (field, text_of(answer))
    assert site.sql("SELECT count(*) FROM escalation_policies") == [(0,)]


def test_who_may(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/policies/new")
    browser.submit("/policies/new", fields(site, act="save"))
    ((policy_id,),) = site.sql("SELECT id FROM escalation_policies")
    responder = site.browser("Ben")
    assert "/edit" not in responder.get(f"/policies/{policy_id}").body.decode()
    for path in ("new", f"{policy_id}/edit", f"{policy_id}/change"):
        responder.get("/policies")
        refused = responder.submit(f"/policies/{path}", fields(site))
        assert "This takes the role admin" in text_of(refused)
    assert site.browser("Otto").get(f"/policies/{policy_id}/edit").status == 404
    browser.get("/")
    assert "Deleted." in text_of(
        browser.follow(browser.submit(f"/policies/{policy_id}/change", {"act": "delete"}))
    )
