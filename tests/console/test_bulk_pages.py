"""Acting on all of a list, without scripts: begun, watched, called off, undone; and assigning."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.api import past
from tests.console.site import Browser, Site, text_of
from tests.console.test_alert_pages import alert, statuses
from tests.console.test_me_page import contact
from tests.support.answers import Answer


def sender(site: Site) -> dict[str, Any]:
    return site.api.made("/integrations", {"name": "shop", "type": "generic"})


def over(browser: Browser, path: str) -> Answer:
    """The page of a bulk action, once it is over."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        page = browser.get(path)
        if "data-every" not in page.body.decode():
            return page
        time.sleep(0.05)
    raise AssertionError(text_of(page))


def begin(browser: Browser, act: str, query: str, **more: str) -> str:
    browser.get("/alerts")
    fields = {"scope": "all", "act": act, "q": query, "group": "", **more}
    answer = browser.submit("/alerts/act", fields)
    assert answer.status == 303, text_of(answer)
    return answer.headers["location"]


def test_all_that_match_are_acknowledged_and_opened_again(site: Site) -> None:
    past.alerts(site.sql, sender(site), 55)
    browser = site.browser("Ben")
    shown = text_of(browser.get("/alerts?q=status:open+host:db*"))
    assert "All 55 that match , on every page." in shown
    assert "all 55 that match" in shown, "of those ticked, too"
    path = begin(browser, "acknowledge", "status:open host:db*")
    done = over(browser, path)
    assert "55 acknowledged Of status:open host:db* , asked for by Ben" in text_of(done)
    count = "SELECT status::text, count(*) FROM alerts GROUP BY 1"
    assert site.sql(count) == [("ACKNOWLEDGED", 55)]
    undo = browser.submit(path, {"act": "undo"}).headers["location"]
    assert undo != path
    assert "55 open again" in text_of(over(browser, undo))
    assert site.sql(count) == [("OPEN", 55)]
    assert "It was undone" in text_of(browser.get(path))
    said = browser.follow(browser.submit(path, {"act": "undo"}))
    assert "It has been undone already." in text_of(said)


def test_one_under_way_stands_above_the_list_and_can_be_called_off(site: Site) -> None:
    past.alerts(site.sql, sender(site), 30)
    ((first,),) = site.sql("SELECT id FROM alerts ORDER BY severity, id DESC LIMIT 1")
    ben, vera = site.browser("Ben"), site.browser("Vera")
    with past.held(site.database.connect, first):
        path = begin(ben, "resolve", "status:open")
        assert "It goes on if you leave this page" in text_of(ben.get(path))
        assert "Resolving 30 alerts asked for by Ben 0 of 30" in text_of(vera.get("/alerts"))
        assert 'value="cancel"' not in vera.get(path).body.decode()
        early = ben.follow(ben.submit(path, {"act": "undo"}))
        assert "It is still being done" in text_of(early)
        ben.submit(path, {"act": "cancel"})
        assert "It stops after the alert under way." in text_of(vera.get(path))
    done = text_of(over(ben, path))
    assert "then canceled" in done
    ((left,),) = site.sql("SELECT count(*) FROM alerts WHERE status = 'OPEN'")
    assert left >= 10
    assert "Resolving" not in text_of(vera.get("/alerts"))


def test_what_could_not_be_done_is_listed_with_why(site: Site) -> None:
    ids = [alert(site, title) for title in ("a", "b")]
    site.api.made(f"/alerts/{ids[1]}/close", {})
    browser = site.browser("Ben")
    done = over(browser, begin(browser, "resolve", "source:probe"))
    assert "1 resolved Of source:probe" in text_of(done)
    assert "What could not be done, and why" in text_of(done)
    assert "b closed it is closed" in text_of(done)
    every = browser.get(browser_path(done) + "?outcome=all")
    assert "The alerts" in text_of(every)


def browser_path(answer: Answer) -> str:
    found = re.search(r'action="(/alerts/bulk/[^"]+)"', answer.body.decode())
    assert found is not None
    return found[1]


def test_a_list_of_what_is_over_is_reopened(site: Site) -> None:
    site.api.made(f"/alerts/{alert(site, 'a')}/resolve", {})
    browser = site.browser("Ben")
    page = browser.get("/alerts?q=status:resolved").body.decode()
    assert 'value="reopen"' in page
    assert 'value="acknowledge"' not in page
    over(browser, begin(browser, "reopen", "status:resolved"))
    assert statuses(site) == {"a": "OPEN"}


def test_who_looks_only_begins_nothing(site: Site) -> None:
    alert(site, "a")
    browser = site.browser("Vera")
    assert "All 1 that match" not in text_of(browser.get("/alerts"))
    fields = {"scope": "all", "act": "resolve", "q": "status:open"}
    assert browser.submit("/alerts/act", fields).status == 403
    assert statuses(site) == {"a": "OPEN"}


def test_another_workspace_does_not_see_it(site: Site) -> None:
    alert(site, "a")
    ben, otto = site.browser("Ben"), site.browser("Otto")
    path = begin(ben, "resolve", "status:open")
    over(ben, path)
    assert otto.get(path).status == 404
    otto.get("/alerts")
    assert otto.submit(path, {"act": "undo"}).status == 404
    assert statuses(site) == {"a": "RESOLVED"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scope": "all", "act": "resolve", "q": "severity:awful"}, "There is no severity"),
        ({"scope": "all", "act": "paint", "q": "status:open"}, "Nothing was changed"),
        ({"scope": "all", "act": "assign", "q": "status:open"}, "Say to whom"),
        ({"act": "resolve", "q": "status:open"}, "Nothing was ticked"),
    ],
)
def test_what_cannot_be_begun_says_why(site: Site, fields: dict[str, str], said: str) -> None:
    alert(site, "a")
    browser = site.browser("Ben")
    browser.get("/alerts")
    assert said in text_of(browser.follow(browser.submit("/alerts/act", fields)))
    assert statuses(site) == {"a": "OPEN"}


def test_an_acknowledgement_is_undone_where_it_was_given(site: Site) -> None:
    ids = [alert(site, title) for title in ("a", "b")]
    browser = site.browser("Ben")
    browser.get("/alerts")
    fields = [("q", "status:open"), ("act", "acknowledge"), *(("id", each) for each in ids)]
    done = browser.follow(browser.submit("/alerts/act", fields))
    assert "2 acknowledged." in text_of(done)
    assert 'name="act" value="unacknowledge"' in done.body.decode()
    undo = [("act", "unacknowledge"), *(("id", each) for each in ids)]
    assert "2 open again." in text_of(browser.follow(browser.submit("/alerts/act", undo)))
    assert set(statuses(site).values()) == {"OPEN"}


def test_what_another_has_is_not_offered_to_be_undone(site: Site) -> None:
    alert_id = alert(site, "a")
    ana, ben = site.browser("Ana"), site.browser("Ben")
    for browser in (ana, ben):
        browser.get(f"/alerts/{alert_id}")
    act = f"/alerts/{alert_id}/act"
    first = ben.follow(ben.submit(act, {"act": "acknowledge"}))
    assert 'value="unacknowledge"' in first.body.decode()
    second = ana.follow(ana.submit(act, {"act": "acknowledge"}))
    assert "Ben has it already" in text_of(second)
    assert 'value="unacknowledge"' not in second.body.decode()
    ana.get("/alerts")
    fields = [("q", "status:acknowledged"), ("act", "acknowledge"), ("id", alert_id)]
    several = ana.follow(ana.submit("/alerts/act", fields))
    assert 'value="unacknowledge"' not in several.body.decode()


def test_alerts_are_given_to_people_whom_a_page_reaches(site: Site) -> None:
    contact(site, "Vera", "phone")
    ids = [alert(site, title) for title in ("a", "b", "c")]
    browser = site.browser("Ben")
    page = browser.get("/alerts").body.decode().partition('id="assign-all"')[2]
    options = re.findall(r"<option value=\"([^\"]*)\"( disabled)?>([^<]*)</option>", page)
    words = [(name, bool(off)) for _, off, name in options[:4]]
    assert words[:2] == [("Choose …", False), ("Vera", False)]
    assert words[2] == ("Ana: no contact method that is verified and switched on", True)
    vera = str(site.people["Vera"])
    fields = [("act", "assign"), ("user_id", vera), *(("id", each) for each in ids[:2])]
    assert "2 assigned." in text_of(browser.follow(browser.submit("/alerts/act", fields)))
    owners = dict(site.sql("SELECT title, assigned_to::text FROM alerts"))
    assert owners == {"a": vera, "b": vera, "c": None}
    done = over(browser, begin(browser, "assign", "status:open", user_id=vera))
    assert "3 assigned" in text_of(done)
    assert "for Vera" in text_of(done)
    fields = [("act", "assign"), ("user_id", "nobody"), ("id", ids[0])]
    assert "1 given to nobody." in text_of(browser.follow(browser.submit("/alerts/act", fields)))
