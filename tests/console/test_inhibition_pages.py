"""Inhibition rules in the console: tried on the past, made, changed, and what each holds now."""

from __future__ import annotations

from tests.console.site import Site, text_of
from tests.console.test_alert_pages import alert

RULE = {
    "act": "save",
    "name": "host down",
    "source_matchers": "check = ping",
    "target_matchers": "check =~ disk|cpu",
    "equal": "host, cluster",
    "delay_seconds": "10",
    "grace_seconds": "60",
}


def rules(site: Site) -> list[tuple[object, ...]]:
    return site.sql('SELECT name, is_enabled, "equal", delay_seconds FROM inhibition_rules')


def test_a_rule_is_tried_made_changed_and_deleted(site: Site) -> None:
    labels = {"host": "db-1", "cluster": "a"}
    alert(site, "no answer", severity="high", labels={**labels, "check": "ping"})
    alert(site, "full", severity="low", labels={**labels, "check": "disk"})
    browser = site.browser("Ana")
    assert "No inhibition rule yet" in text_of(browser.get("/inhibition"))
    browser.get("/inhibition/new")
    tried = browser.submit("/inhibition/new", {**RULE, "act": "try"})
    assert "1 of 2 alerts would have been held, by one alert" in text_of(tried)
    assert rules(site) == []
    wrong = browser.submit("/inhibition/new", {**RULE, "source_matchers": "nonsense"})
    assert wrong.status == 422
    assert "“nonsense” is no matcher" in text_of(wrong)
    slow = browser.submit("/inhibition/new", {**RULE, "delay_seconds": "soon"})
    assert slow.status == 422
    made = browser.follow(browser.submit("/inhibition/new", RULE))
    assert "“host down” is in force." in text_of(made)
    assert rules(site) == [("host down", True, ["host", "cluster"], 10)]
    ((rule_id,),) = site.sql("SELECT id FROM inhibition_rules")
    assert "check = ping" in text_of(browser.get(f"/inhibition/{rule_id}"))
    browser.follow(browser.submit(f"/inhibition/{rule_id}", {**RULE, "delay_seconds": "20"}))
    browser.follow(browser.submit(f"/inhibition/{rule_id}/change", {"act": "disable"}))
    assert rules(site) == [("host down", False, ["host", "cluster"], 20)]
    gone = browser.follow(browser.submit(f"/inhibition/{rule_id}/change", {"act": "delete"}))
    assert "Deleted" in text_of(gone)
    assert rules(site) == []


def test_a_circle_is_said_where_it_closes(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/inhibition/new")
    browser.submit("/inhibition/new", RULE)
    back = {
        **RULE,
        "name": "back",
        "source_matchers": "check = disk",
        "target_matchers": "check = ping",
    }
    refused = browser.submit("/inhibition/new", back)
    assert refused.status == 422
    assert "host down" in text_of(refused)


def test_what_it_holds_now_is_counted(site: Site) -> None:
    site.api.made(
        "/alert-rules",
        {
            "name": "all",
            "event_types": ["alerts.triggered"],
            "destination_ids": [
                site.api.made(
                    "/alert-destinations",
                    {"name": "m", "type": "email", "config": {"recipients": ["a@example.com"]}},
                )["id"]
            ],
        },
    )
    browser = site.browser("Ana")
    browser.get("/inhibition/new")
    browser.submit("/inhibition/new", RULE)
    labels = {"host": "db-1", "cluster": "a"}
    alert(site, "no answer", severity="high", labels={**labels, "check": "ping"})
    for check in ("disk", "cpu"):
        alert(site, check, severity="low", labels={**labels, "check": check})
    page = browser.get("/inhibition")
    assert '<a class="link" href="/alerts?q=held:yes">2</a>' in page.body.decode()
    assert ">2<" not in site.browser("Otto").get("/inhibition").body.decode()


def test_a_viewer_looks_and_others_see_nothing(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/inhibition/new")
    browser.submit("/inhibition/new", RULE)
    ((rule_id,),) = site.sql("SELECT id FROM inhibition_rules")
    viewer = site.browser("Vera")
    assert "host down" in text_of(viewer.get("/inhibition"))
    assert "This takes the role admin" in text_of(viewer.submit("/inhibition/new", RULE))
    viewer.get("/inhibition")
    refused = viewer.submit(f"/inhibition/{rule_id}/change", {"act": "delete"})
    assert "This takes the role admin" in text_of(refused)
    other = site.browser("Otto")
    assert other.get(f"/inhibition/{rule_id}").status == 404
    other.get("/inhibition")
    other.submit(f"/inhibition/{rule_id}/change", {"act": "delete"})
    assert len(rules(site)) == 1


def test_one_can_begin_with_an_alert(site: Site) -> None:
    alert_id = alert(site, "no answer", labels={"host": "db-1"})
    page = site.browser("Ana").get(f"/inhibition/new?alert={alert_id}")
    assert "title = no answer" in text_of(page)
