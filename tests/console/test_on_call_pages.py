"""Who is on call, who would be woken when, and who is paged for an alert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.console.site import Site, text_of
from tests.support.node import eventually
from tests.timers.escalations import Paging, paging, to_schedule, to_user
from tocsin.model import utc_now


@pytest.fixture
def people(site: Site) -> Iterator[Paging]:
    with paging(site.database.url) as opened:
        yield opened


def schedule(site: Site) -> str:
    made = site.api.made(
        "/schedules",
        {
            "name": "Primary",
            "timezone": "UTC",
            "layers": [
                {
                    "name": "week",
                    "rotation": {
                        "unit": "weekly",
                        "length": 1,
                        "handoff_time": "09:00",
                        "handoff_day": "mon",
                        "starts_on": "2026-01-05",
                    },
                    "participants": [[str(site.people["Ana"])], [str(site.people["Ben"])]],
                }
            ],
        },
    )
    return str(made["id"])


def test_who_is_on_call_stands_on_home_and_on_its_own_page(site: Site) -> None:
    browser = site.browser("Vera")
    assert "No schedule yet" in text_of(browser.get("/schedules"))
    schedule_id = schedule(site)
    for path in ("/", "/schedules", f"/schedules/{schedule_id}"):
        words = text_of(browser.get(path))
        assert "Primary" in words
        assert "Ana" in words or "Ben" in words, path
    assert site.browser("Otto").get(f"/schedules/{schedule_id}").status == 404
    assert "Primary" not in text_of(site.browser("Otto").get("/schedules"))


def test_an_override_says_in_words_what_it_changes_before_it_holds(site: Site) -> None:
    schedule_id = schedule(site)
    browser = site.browser("Ben")
    page = browser.get(f"/schedules/{schedule_id}")
    on_call = re.findall(r'class="who">.*?<b>(\w+)</b>', page.body.decode(), re.DOTALL)[0]
    other = "Ben" if on_call == "Ana" else "Ana"
    begin = utc_now() + timedelta(minutes=5)
    fields = {
        "kind": "cover",
        "substitute_user_id": str(site.people[other]),
        "starts_at": begin.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (begin + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"),
    }
    tried = browser.submit(f"/schedules/{schedule_id}", {**fields, "act": "try"})
    words = text_of(tried)
    assert "What it would change" in words
    assert other in words
    assert site.sql("SELECT count(*) FROM schedule_overrides") == [(0,)]
    wrong = browser.submit(
        f"/schedules/{schedule_id}", {**fields, "ends_at": fields["starts_at"], "act": "save"}
    )
    assert wrong.status == 422
    done = browser.follow(browser.submit(f"/schedules/{schedule_id}", {**fields, "act": "save"}))
    assert "The override is in force." in text_of(done)
    assert site.sql("SELECT count(*) FROM schedule_overrides") == [(1,)]
    viewer = site.browser("Vera")
    viewer.get("/")
    assert viewer.submit(f"/schedules/{schedule_id}", {**fields, "act": "save"}).status == 403


def test_the_page_of_an_alert_says_who_comes_next_and_escalates(site: Site, people: Paging) -> None:
    u, m = people.person("Uma", push=0, sms=3), people.person("Max", push=0)
    policy = people.policy(to_user(u), to_user(m, minutes=10))
    people.escalating_rule(policy)
    alert_id = people.send("disk", severity="CRITICAL")
    browser = site.browser("Ben")
    words = text_of(browser.get(f"/alerts/{alert_id}"))
    assert "What happens if nobody answers" in words
    assert "Uma" in words
    assert "Max in" in words
    form = {"act": "escalate", "from_step": "1"}
    done = browser.follow(browser.submit(f"/alerts/{alert_id}/act", form))
    assert "Escalated." in text_of(done)
    again = browser.follow(browser.submit(f"/alerts/{alert_id}/act", form))
    assert "step 2 meanwhile" in text_of(again)
    forecast = text_of(browser.get("/policies"))
    assert "P" in forecast
    ((policy_id,),) = site.sql("SELECT id FROM escalation_policies")
    page = text_of(browser.get(f"/policies/{policy_id}"))
    assert page.index("Uma") < page.index("Max") < page.index("Nobody has answered")
    assert site.browser("Otto").get(f"/policies/{policy_id}").status == 404


def test_an_alert_that_nobody_answers_is_marked_in_the_list(site: Site, people: Paging) -> None:
    u, nobody = people.person("Uma", push=0), people.person("Nora")
    people.escalating_rule(people.policy(to_user(u, minutes=1)))
    alert_id = people.send("disk", severity="CRITICAL")
    browser = site.browser("Ben")
    eventually(lambda: "escalation ends in" in text_of(browser.get("/alerts")), "it is known")
    assert "the escalation ends in" in text_of(browser.get(f"/alerts/{alert_id}"))
    people.after(61)
    assert "nobody answered" in text_of(browser.get("/alerts"))
    assert "nobody answered" in text_of(browser.get(f"/alerts/{alert_id}"))
    people.sql("UPDATE alert_rules SET is_enabled = false")
    people.escalating_rule(people.policy(to_user(nobody), name="Q"))
    people.send("other", severity="CRITICAL")
    assert "nobody could be reached" in text_of(browser.get("/alerts"))


def test_the_list_says_whom_the_next_step_reaches(site: Site, people: Paging) -> None:
    u, m, b = (people.person(name, hook=0) for name in ("Uma", "Max", "Bea"))
    schedule_id = people.schedule(m)
    people.escalating_rule(people.policy(to_user(u), to_schedule(schedule_id), to_user(u, b)))
    disk = people.send("disk", severity="CRITICAL")
    browser = site.browser("Ben")
    eventually(lambda: "next: Max by webhook" in text_of(browser.get("/alerts")), "it is known")
    assert "next: Max by webhook in" in text_of(browser.get("/"))
    people.cover(schedule_id, m, b)
    assert "next: Bea by webhook in" in text_of(browser.get("/alerts")), "as the override has it"
    browser.submit(f"/alerts/{disk}/act", {"act": "escalate", "from_step": "1"})
    assert "next: Uma and 1 more in" in text_of(browser.get("/alerts"))


def test_what_pages_somebody_waits_on_their_home(site: Site, people: Paging) -> None:
    m, uma = people.person("Max", hook=0), people.person("Uma", hook=0)
    site.people["Max"] = m
    people.escalating_rule(people.policy(to_user(m), to_user(uma)))
    disk = people.send("disk", severity="CRITICAL")
    max_ = site.browser("Max")
    assert "waits for your answer" not in text_of(max_.get("/")), "it has not arrived"
    people.sql("UPDATE alert_deliveries SET status = 'sent', sent_at = now()")
    page = max_.get("/")
    assert "One page waits for your answer" in text_of(page)
    assert "Acknowledge" in text_of(page)
    assert page.body.decode().count(f'href="/alerts/{disk}"') == 1, "not among the others again"
    assert "waits for your answer" not in text_of(site.browser("Ben").get("/"))
    max_.headers["Referer"] = f"{site.base_url}/"
    done = max_.follow(max_.submit(f"/alerts/{disk}/act", {"act": "acknowledge"}))
    words = text_of(done)
    assert "One alert is yours" in words
    assert "Acknowledged." in words


def test_an_alert_is_given_to_somebody_and_somebody_is_asked_to_help(
    site: Site, people: Paging
) -> None:
    u, m, nobody = people.person("Uma", push=0), people.person("Max", push=0), people.person("Nora")
    alert_id = people.send("disk", severity="CRITICAL")
    browser, path = site.browser("Ben"), f"/alerts/{alert_id}"

    def act(act: str, who: object, note: str = "") -> str:
        form = {"act": act, "user_id": str(who), "note": note}
        return text_of(browser.follow(browser.submit(f"{path}/act", form)))

    assert "Nora: no contact method" in text_of(browser.get(path)), "and cannot be chosen"
    assert "Assigned to Uma" in act("assign", u, "yours")
    assert "Asked to help: Max" in act("help", m, "is it the network?")
    notes = [row["payload"]["note"] for row in people.rows(alert_id)]
    assert notes == [
        "Ben has assigned it to you. yours",
        "Ben asks you to help. is it the network?",
    ]
    for each in ("assign", "help"):
        assert "Nora has no contact method that is verified" in act(each, nobody)
        assert "Say whom; nothing was changed." in act(each, "")
    assert "Assigned to" not in act("assign", "nobody")
    assert len(people.rows(alert_id)) == 2
    browser.submit(f"{path}/act", {"act": "close"})
    assert "It is closed; it cannot be helped with." in act("help", m)
    viewer = site.browser("Vera")
    assert "Ask them to help" not in text_of(viewer.get(path))
    assert viewer.submit(f"{path}/act", {"act": "help", "user_id": str(m)}).status == 403
