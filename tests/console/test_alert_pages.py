"""The list of alerts and one alert, over a real server, without scripts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.console.site import Browser, Site, text_of
from tocsin.model import utc_now


def alert(site: Site, title: str, **more: Any) -> str:
    """One that came in by a webhook; its id."""
    integrations = site.api.get("/integrations").json()["items"]
    if not integrations:
        site.api.made(
            "/integrations",
            {
                "name": "probe",
                "type": "generic",
                "auth_scheme": "token",
                "webhook_secret": "s" * 20,
            },
        )
        integrations = site.api.get("/integrations").json()["items"]
    (integration,) = integrations
    header = integration["signature_header"]
    body = {"title": title, "status": "triggered", "external_id": title, **more}
    root = type(site.api)(site.base_url, None)
    answer = root.request(
        "POST", f"/webhooks/{integration['id']}", body, headers={header: "s" * 20}
    )
    assert answer.status in (200, 201), answer
    return str(answer.json()["alert_id"])


def statuses(site: Site) -> dict[str, str]:
    return dict(site.sql("SELECT title, status::text FROM alerts"))


def test_the_worst_stand_first(site: Site) -> None:
    for title, severity in (("one", "low"), ("two", "critical"), ("three", "high")):
        alert(site, title, severity=severity)
    words = text_of(site.browser("Vera").get("/alerts"))
    assert words.index("two") < words.index("three") < words.index("one")


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("severity:critical", "disk", "load"),
        ("host:db*", "disk", "load"),
        ("-host:db*", "load", "disk"),
        ("host=~web.*", "load", "disk"),
        ("host!=web-1", "disk", "load"),
        ("lOa", "load", "disk"),
        ("source:probe title:load", "load", "disk"),
        ("owner:nobody disk", "disk", "load"),
        ("status:resolved", "", "disk"),
    ],
)
def test_the_query_narrows_the_list(site: Site, query: str, shown: str, hidden: str) -> None:
    alert(site, "disk", severity="critical", labels={"host": "db-1"})
    alert(site, "load", severity="low", labels={"host": "web-1"})
    browser = site.browser("Vera")
    titles = _titles(browser, query)
    assert (shown in titles) if shown else not titles
    assert hidden not in titles


def _titles(browser: Browser, query: str) -> list[str]:
    import re
    from urllib.parse import quote

    page = browser.get(f"/alerts?q={quote(query)}").body.decode()
    return re.findall(r'class="title" href="/alerts/[^"]+">([^<]+)<', page)


def test_what_cannot_be_read_is_said_at_the_field(site: Site) -> None:
    words = text_of(site.browser("Vera").get("/alerts?q=severity:awful"))
    assert "There is no severity “awful”" in words
    assert "That filter cannot be read" in words


def test_pages_follow_each_other_without_gap_or_repeat(site: Site) -> None:
    for number in range(55):
        alert(site, f"n{number}", severity=("critical", "high", "low")[number % 3])
    browser = site.browser("Vera")
    import re

    first = browser.get("/alerts?q=status:open").body.decode()
    more = re.search(r'class="more link" href="([^"]+)"', first)
    assert more is not None
    second = browser.get(more[1].replace("&amp;", "&")).body.decode()
    titles = re.findall(r'class="title" href="[^"]+">(n\d+)<', first + second)
    assert len(titles) == 55
    assert len(set(titles)) == 55


def test_grouped_by_a_label(site: Site) -> None:
    alert(site, "a", labels={"team": "red"})
    alert(site, "b", labels={"team": "blue"})
    alert(site, "c")
    words = text_of(site.browser("Vera").get("/alerts?group=team"))
    assert "red 1" in words
    assert "no team 1" in words


def test_acknowledge_is_on_record_with_who_did_it(site: Site) -> None:
    alert_id = alert(site, "disk", severity="critical")
    browser = site.browser("Ben")
    page = browser.get(f"/alerts/{alert_id}")
    assert "Nobody" in text_of(page)
    done = browser.follow(browser.submit(f"/alerts/{alert_id}/act", {"act": "acknowledge"}))
    assert "Ben since" in text_of(done)
    assert "open again" not in text_of(done)
    assert statuses(site) == {"disk": "ACKNOWLEDGED"}
    ((actor,),) = site.sql("SELECT actor FROM alert_events WHERE kind = 'acknowledged'")
    assert actor == {"kind": "user", "name": "Ben", "id": str(site.people["Ben"])}


def test_an_acknowledgement_that_expires_says_when(site: Site) -> None:
    alert_id = alert(site, "disk", severity="critical")
    until = utc_now() + timedelta(hours=2)
    path, body = f"/alerts/{alert_id}/acknowledge", {"until": until.isoformat()}
    assert site.api.post(path, body).status == 200
    assert "open again" in text_of(site.browser("Ben").get(f"/alerts/{alert_id}"))


def test_two_at_once_the_second_sees_who_was_first(site: Site) -> None:
    alert_id = alert(site, "disk")
    ana, ben = site.browser("Ana"), site.browser("Ben")
    for browser in (ana, ben):
        browser.get(f"/alerts/{alert_id}")
    assert ben.submit(f"/alerts/{alert_id}/act", {"act": "acknowledge"}).status == 303
    second = ana.follow(ana.submit(f"/alerts/{alert_id}/act", {"act": "acknowledge"}))
    assert "Ben since" in text_of(second)


def test_a_note_a_snooze_and_the_end(site: Site) -> None:
    alert_id = alert(site, "disk")
    browser = site.browser("Ben")
    act = f"/alerts/{alert_id}/act"
    browser.get(f"/alerts/{alert_id}")
    noted = browser.follow(browser.submit(act, {"act": "note", "note": "pg_wal is full"}))
    assert "pg_wal is full" in text_of(noted)
    snoozed = browser.follow(browser.submit(act, {"act": "snooze", "minutes": "30"}))
    assert "snoozed · Ben" in text_of(snoozed)
    resolved = browser.follow(browser.submit(act, {"act": "resolve"}))
    assert "Resolved." in text_of(resolved)
    undone = browser.follow(browser.submit(act, {"act": "reopen"}))
    assert "Reopened." in text_of(undone)
    assert statuses(site) == {"disk": "OPEN"}


def test_many_at_once_and_each_says_what_became_of_it(site: Site) -> None:
    ids = [alert(site, title) for title in ("a", "b", "c")]
    site.api.made(f"/alerts/{ids[2]}/close", {})
    browser = site.browser("Ben")
    browser.get("/alerts")
    fields = [("q", "status:open"), ("act", "resolve"), *(("id", each) for each in ids)]
    done = browser.follow(browser.submit("/alerts/act", fields))
    assert "2 resolved; 1 not: it is closed; it cannot be resolved." in text_of(done)
    undo = [("act", "reopen"), *(("id", each) for each in ids[:2])]
    browser.follow(browser.submit("/alerts/act", undo))
    assert statuses(site) == {"a": "OPEN", "b": "OPEN", "c": "CLOSED"}


def test_a_viewer_looks_and_changes_nothing(site: Site) -> None:
    alert_id = alert(site, "disk")
    browser = site.browser("Vera")
    page = browser.get(f"/alerts/{alert_id}")
    assert 'value="acknowledge"' not in page.body.decode()
    browser.get("/alerts")
    token = site.browser("Vera")
    token.get("/")
    refused = browser.post(
        f"/alerts/{alert_id}/act", [("csrf_token", _csrf(page)), ("act", "acknowledge")]
    )
    assert refused.status == 403
    assert "responder" in text_of(refused)
    assert statuses(site) == {"disk": "OPEN"}


def _csrf(page: Any) -> str:
    import re

    found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', page.body.decode())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_the_right_token_changes_nothing(site: Site, token: str) -> None:
    alert_id = alert(site, "disk")
    answer = site.browser("Ben").post(
        f"/alerts/{alert_id}/act", [("csrf_token", token), ("act", "resolve")]
    )
    assert answer.status == 403
    assert statuses(site) == {"disk": "OPEN"}


def test_the_token_of_somebody_elses_session_does_not_count(site: Site) -> None:
    alert_id = alert(site, "disk")
    ana = site.browser("Ana").get("/")
    answer = site.browser("Ben").post(
        f"/alerts/{alert_id}/act", [("csrf_token", _csrf(ana)), ("act", "resolve")]
    )
    assert answer.status == 403


def test_a_form_of_another_site_changes_nothing(site: Site) -> None:
    alert_id = alert(site, "disk")
    browser = site.browser("Ben")
    browser.get(f"/alerts/{alert_id}")
    browser.headers = {"Origin": "https://evil.example"}
    assert browser.submit(f"/alerts/{alert_id}/act", {"act": "resolve"}).status == 403
    assert statuses(site) == {"disk": "OPEN"}


def test_another_workspace_sees_nothing_of_it(site: Site) -> None:
    alert_id = alert(site, "disk")
    stranger = site.browser("Otto")
    assert "disk" not in text_of(stranger.get("/alerts"))
    assert stranger.get(f"/alerts/{alert_id}").status == 404
    assert stranger.get(f"/alerts/{alert_id}.md").status == 404
    assert stranger.get("/alerts/jump?q=disk").json() == []
    stranger.get("/")
    token = _csrf(stranger.get("/"))
    stranger.post(f"/alerts/{alert_id}/act", [("csrf_token", token), ("act", "resolve")])
    assert statuses(site) == {"disk": "OPEN"}
    assert stranger.get("/?workspace=default").status == 404


def test_a_person_of_two_workspaces_chooses(site: Site) -> None:
    alert(site, "disk")
    site.sql(
        "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, 'viewer')",
        site.people["Otto"],
        site.workspace_id,
    )
    browser = site.browser("Otto")
    chosen = browser.follow(browser.get("/alerts?workspace=default&q=disk"))
    assert "disk" in text_of(chosen)
    assert "disk" in text_of(browser.get("/alerts"))
    browser.follow(browser.get("/?workspace=other"))
    assert "disk" not in text_of(browser.get("/alerts"))


def test_titles_and_labels_are_text_and_nothing_else(site: Site) -> None:
    evil = '<script>alert(1)</script>"onx="'
    alert_id = alert(site, evil, description=evil, labels={"host": evil})
    browser = site.browser("Ana")
    for path in ("/", "/alerts", f"/alerts/{alert_id}", "/alerts?group=host"):
        page = browser.get(path)
        assert page.status == 200
        assert b"<script>alert" not in page.body
        assert "script-src 'self'" in page.headers["content-security-policy"]


def test_only_web_addresses_become_links(site: Site) -> None:
    alert_id = alert(
        site,
        "disk",
        labels={"runbook_url": "javascript:alert(1)", "link": "https://wiki.example/x"},
    )
    body = site.browser("Ana").get(f"/alerts/{alert_id}").body.decode()
    assert 'href="javascript' not in body
    assert 'href="https://wiki.example/x"' in body


def test_as_markdown_for_a_post_mortem(site: Site) -> None:
    alert_id = alert(site, "disk | full", severity="critical")
    answer = site.browser("Ana").get(f"/alerts/{alert_id}.md")
    lines = answer.body.decode().splitlines()
    assert lines[0] == "# disk | full"
    assert "- Severity: CRITICAL" in lines


def test_home_says_what_is_open_and_that_all_is_quiet(site: Site) -> None:
    browser = site.browser("Vera")
    assert "All quiet" in text_of(browser.get("/"))
    alert(site, "disk", severity="critical")
    words = text_of(browser.get("/"))
    assert "Nobody has these yet" in words or "One alert is with nobody" in words
    assert "disk" in words


def test_home_leads_who_sets_up_to_the_first_message(site: Site) -> None:
    browser = site.browser("Ana")
    assert "Nothing sends here yet" in text_of(browser.get("/"))
    assert "0 of 3 done" in text_of(browser.get("/"))
    for name in ("Ben", "Vera"):
        assert "3 done" not in text_of(site.browser(name).get("/"))
    alert_id = alert(site, "disk", severity="critical")
    page = browser.get("/").body.decode()
    assert f'href="/rules/new?alert={alert_id}"' in page
    destination = {"name": "m", "type": "email", "config": {"recipients": ["a@example.com"]}}
    made = site.api.made("/alert-destinations", destination)
    assert "2 of 3 done" in text_of(browser.get("/"))
    rule = {"name": "r", "event_types": ["alerts.triggered"], "destination_ids": [made["id"]]}
    site.api.made("/alert-rules", rule)
    assert "of 3 done" not in text_of(browser.get("/"))


def test_nothing_of_the_disk_is_served(site: Site) -> None:
    browser = site.browser()
    for name in ("..%2fpackage.json", "%2e%2e/package.json", "package.json", "x"):
        assert browser.get(f"/static/{name}").status == 404
