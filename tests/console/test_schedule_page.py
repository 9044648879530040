"""The page of a schedule without scripts: lanes, the same as a list, changes by hand, and swaps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.console.site import Browser, Site, text_of
from tests.support.answers import Answer

ROTATION = {"unit": "daily", "handoff_time": "09:00", "starts_on": "2026-01-05"}


def schedule(site: Site, *, timezone: str = "UTC", **more: Any) -> str:
    """Ana and Ben take turns by day; Vera has the working hours of weekdays."""
    people = {name: [str(site.people[name])] for name in ("Ana", "Ben", "Vera")}
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "10:00", "end": "16:00"}]
    base = {"name": "Base", "rotation": ROTATION, "participants": [people["Ana"], people["Ben"]]}
    office = {"name": "Office", "rotation": ROTATION, "participants": [people["Vera"]]}
    layers = [base, office | {"restrictions": hours}]
    body = {"name": "Primary", "timezone": timezone, "layers": layers, **more}
    return str(site.api.made("/schedules", body)["id"])


def gappy(site: Site) -> str:
    """Nobody is on call at night."""
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "06:00"}]
    layer = {"name": "Day", "rotation": ROTATION, "participants": [[str(site.people["Ana"])]]}
    return schedule(site, layers=[layer | {"restrictions": [hours[0] | {"end": "23:00"}]}])


def lane(answer: Answer, name: str) -> list[str]:
    """What stands in the bars of a lane when one rests on them."""
    found = re.search(
        rf"<b>{name}</b>.*?<div class=\"lane-track\".*?</svg></div>",
        answer.body.decode(),
        re.DOTALL,
    )
    assert found is not None, name
    return re.findall(r"<title>(.*?)</title>", found[0])


def take_over(site: Site, begin: str, end: str, **more: str) -> dict[str, str]:
    return {
        "substitute_user_id": str(site.people["Vera"]),
        "user_id": "",
        "starts_at": begin,
        "ends_at": end,
        "act": "save",
        **more,
    }


def ahead(days: int, hour: int = 9) -> str:
    at = datetime.now(UTC).replace(hour=hour, minute=0) + timedelta(days=days)
    return f"{at:%Y-%m-%dT%H:%M}"


def test_each_layer_has_a_lane_and_the_result_is_below(site: Site) -> None:
    schedule_id = schedule(site)
    page = site.browser("Vera").get(f"/schedules/{schedule_id}?from=2035-03-05")
    words = text_of(page)
    assert "5 – 11 March 2035" in words
    assert "every day, 09:00; mon-fri 10:00-16:00" in words
    assert len(lane(page, "Office")) == 5
    assert [each.split(":")[0] for each in lane(page, "Base")][:3] in (
        ["Ana", "Ben", "Ana"],
        ["Ben", "Ana", "Ben"],
    )
    result = lane(page, "On call")
    assert [each.split(":")[0] for each in result].count("Vera") == 5
    assert "Vera: Mon 5 Mar 10:00 to 16:00, 6 h; Office, turn" in "".join(result)
    assert lane(page, "Overrides") == []
    assert "Who carries how much" in words
    assert re.search(r"Vera 30 h 0 0 h", words), "so many hours, nights, and of weekends"
    assert "Take over" not in words, "a viewer looks"


def test_days_of_23_and_25_hours_are_marked_and_both_clocks_shown(site: Site) -> None:
    schedule_id = schedule(site, timezone="Europe/Berlin")
    site.sql("UPDATE users SET timezone = 'Asia/Tokyo' WHERE name = 'Ben'")
    path = f"/schedules/{schedule_id}"
    spring = site.browser("Ben").get(f"{path}?from=2035-03-25")
    words = text_of(spring)
    assert "23 h day" in words
    assert "Clocks go forward on Sunday 25 March, from 02:00 to 03:00" in words
    assert "Sat 24 Mar 09:00 – Sun 09:00" in words
    assert "23 h" in lane(spring, "Base")[-2]
    assert "17:00 – Sun 16:00 for you" in words
    autumn = text_of(site.browser("Ben").get(f"{path}?from=2035-10-28"))
    assert "25 h day" in autumn
    site.sql("UPDATE users SET timezone = 'Europe/Vienna' WHERE name = 'Ben'")
    same = text_of(site.browser("Ben").get(f"{path}?from=2035-10-28"))
    assert "for you" not in same, "another name of the same clock"


def test_a_gap_without_end_is_shown_as_far_as_one_looks(site: Site) -> None:
    schedule_id = schedule(site, layers=[])
    page = site.browser("Ben").get(f"/schedules/{schedule_id}?from=2035-03-05")
    assert "00:00 – Mon 12 Mar 00:00 Nobody" in text_of(page)
    assert "Nobody is on call now" in text_of(page)


@pytest.mark.parametrize("view", ["day", "week", "month", "agenda", "nonsense"])
def test_every_view_is_a_page_and_leads_to_the_others(site: Site, view: str) -> None:
    schedule_id = schedule(site)
    page = site.browser("Ben").get(f"/schedules/{schedule_id}?view={view}&from=2035-03-05")
    assert page.status == 200
    body = page.body.decode()
    assert ("data-lanes" in body) == (view != "agenda")
    assert body.count('aria-current="page">') >= 1
    for other in ("day", "week", "month", "agenda"):
        assert f"?view={other}&amp;from=2035-03-05" in body or view in ("month", "nonsense")


def test_a_gap_is_marked_and_filled_from_its_row(site: Site) -> None:
    schedule_id = gappy(site)
    browser = site.browser("Ben")
    page = browser.get(f"/schedules/{schedule_id}?from=2035-03-05")
    assert "nobody is on call" in lane(page, "On call")
    words = text_of(page)
    assert "Nobody nobody is notified 7 h" in words
    assert "Nobody from " in words, "the next one, wherever one looks"
    link = re.search(r'href="(\?[^"]*)#take-over">Fill the gap', page.body.decode())
    assert link is not None
    form = browser.get(f"/schedules/{schedule_id}{link[1].replace('&amp;', '&')}").body.decode()
    assert 'name="starts_at" required value="2035-03-04T23:00"' in form
    assert "data-chosen" in form


def test_an_override_is_tried_saved_shown_and_undone(site: Site) -> None:
    schedule_id = schedule(site)
    browser = site.browser("Ben")
    path = f"/schedules/{schedule_id}?view=week&from={ahead(8)[:10]}"
    browser.get(path)
    fields = take_over(site, ahead(8, 17), ahead(8, 20), comment="dentist")
    tried = browser.submit(path, {**fields, "act": "try"})
    assert "Vera gains 3 h" in text_of(tried)
    assert "Vera has no contact method" in text_of(tried)
    assert "not saved yet" in "".join(lane(tried, "Overrides"))
    assert site.sql("SELECT count(*) FROM schedule_overrides") == [(0,)]
    done = browser.submit(path, fields)
    shown = browser.follow(done)
    words = text_of(shown)
    assert "The override is in force." in words
    assert "Vera instead of everybody" in words
    assert "by Ben: dentist" in words
    assert lane(shown, "Overrides")[0].startswith("Vera: ")
    undo = re.search(r'class="toast".*?name="id" value="([^"]+)"', shown.body.decode(), re.DOTALL)
    assert undo is not None, "it can be undone at once"
    undone = browser.follow(browser.submit(path, {"act": "undo", "id": undo[1]}))
    assert "Undone." in text_of(undone)
    assert lane(undone, "Overrides") == []


@pytest.mark.parametrize(
    ("substitute", "instead", "kind"),
    [
        ("Vera", "", "cover"),
        ("Vera", "Ana", "replace"),
        ("Vera", "add", "add"),
        ("nobody", "Ana", "remove"),
    ],
)
def test_what_the_form_says_is_one_kind_of_override(
    site: Site, substitute: str, instead: str, kind: str
) -> None:
    schedule_id = schedule(site)
    browser = site.browser("Ben")
    path = f"/schedules/{schedule_id}"
    browser.get(path)
    chosen = {
        "substitute_user_id": str(site.people.get(substitute, substitute)),
        "user_id": str(site.people.get(instead, instead)),
    }
    done = browser.submit(path, take_over(site, ahead(3), ahead(4), **chosen))
    assert done.status == 303, text_of(done)
    assert site.sql("SELECT kind::text FROM schedule_overrides") == [(kind,)]


def test_an_override_may_be_of_one_layer_only(site: Site) -> None:
    schedule_id = schedule(site)
    layers = site.api.get(f"/schedules/{schedule_id}").json()["layers"]
    (office,) = [each["id"] for each in layers if each["name"] == "Office"]
    browser = site.browser("Ben")
    path = f"/schedules/{schedule_id}?view=week&from={ahead(8)[:10]}"
    assert "only the layer Office" in browser.get(path).body.decode()
    swap = {"substitute_user_id": "give", "user_id": str(site.people["Ben"]), "layer_id": office}
    refused = browser.submit(path, take_over(site, ahead(8), ahead(9), **swap))
    assert "A swap is of the whole schedule" in text_of(refused)
    fields = take_over(site, ahead(8, 8), ahead(8, 20), layer_id=office)
    fields["substitute_user_id"] = str(site.people["Ana"])
    shown = browser.follow(browser.submit(path, fields))
    assert "instead of everybody, only in layer Office" in text_of(shown)
    assert site.sql("SELECT layer_id::text FROM schedule_overrides") == [(office,)]


def test_a_time_that_the_clock_never_shows_is_refused_and_one_that_comes_twice_is_said(
    site: Site,
) -> None:
    schedule_id = schedule(site, timezone="Europe/Berlin")
    browser = site.browser("Ben")
    path = f"/schedules/{schedule_id}"
    browser.get(path)
    refused = browser.submit(path, take_over(site, "2035-03-25T02:30", "2035-03-25T12:00"))
    assert refused.status == 422
    assert "The clock never shows 02:30" in text_of(refused)
    assert "take 01:30 or 03:30" in text_of(refused)
    twice = take_over(site, "2035-10-28T02:30", "2035-10-28T12:00", act="try")
    assert "02:30 comes twice on that day: it begins at the first." in text_of(
        browser.submit(path, twice)
    )
    assert site.sql("SELECT count(*) FROM schedule_overrides") == [(0,)]


def _day_of(browser: Browser, schedule_id: str, name: str) -> tuple[str, str]:
    """The first whole shift to come of the layer that turns by day, of this person."""
    page = browser.get(f"/schedules/{schedule_id}?view=agenda")
    found = re.findall(
        r"starts_at=([^&]+)&amp;ends_at=([^&]+)&amp;user_id=([^\"#&]+)[#&]", page.body.decode()
    )
    own = [each for each in found if name in each[2]]
    begin, end = own[1][0], own[1][1]
    return begin.replace("%3A", ":"), end.replace("%3A", ":")


def test_a_shift_is_given_away_and_taken(site: Site) -> None:
    schedule_id = schedule(site)
    path = f"/schedules/{schedule_id}"
    ben, ana = site.browser("Ben"), site.browser("Ana")
    begin, end = _day_of(ben, schedule_id, str(site.people["Ben"]))
    assert "Give it away" in text_of(ben.get(f"{path}?view=agenda"))
    give = take_over(site, begin, end, substitute_user_id="give", comment="a wedding")
    tried = text_of(ben.submit(path, {**give, "act": "try"}))
    assert "Nothing changes until somebody takes it" in tried
    asked = text_of(ben.follow(ben.submit(path, give)))
    assert "It is asked" in asked
    assert "Take it" not in asked, "nobody takes their own"
    open_swap = ana.get(path)
    assert "Ben gives away" in text_of(open_swap)
    assert "a wedding" in text_of(open_swap)
    ((swap_id,),) = site.sql("SELECT id FROM shift_swaps")
    taken = ana.follow(ana.submit(path, {"act": "take", "id": str(swap_id)}))
    assert "It is yours." in text_of(taken)
    assert site.sql("SELECT state::text, taken_by FROM shift_swaps") == [
        ("taken", site.people["Ana"])
    ]
    assert "swap with Ben" in text_of(taken)
    off = ana.follow(ana.submit(path, {"act": "cancel", "id": str(swap_id)}))
    assert "Called off." in text_of(off)
    again = text_of(ana.follow(ana.submit(path, {"act": "take", "id": str(swap_id)})))
    assert "not open" in again


def test_ones_own_page_leads_to_the_form(site: Site) -> None:
    schedule(site, timezone="Asia/Tokyo")
    ben = site.browser("Ben")
    links = re.findall(r'href="(/schedules/[^"]+)#take-over"', ben.get("/me").body.decode())
    assert links
    page = ben.get(links[-1].replace("&amp;", "&")).body.decode()
    assert re.search(r'name="starts_at" required value="\d{4}-\d\d-\d\dT(09|16):00"', page)
    assert '<option value="give" selected>' in page


def test_a_shift_is_exchanged_for_one_of_ones_own(site: Site) -> None:
    schedule_id = schedule(site)
    path = f"/schedules/{schedule_id}"
    ben, ana = site.browser("Ben"), site.browser("Ana")
    begin, end = _day_of(ben, schedule_id, str(site.people["Ben"]))
    fields = take_over(site, begin, end, substitute_user_id="exchange")
    assert ben.submit(path, fields).status == 303
    page = ana.get(path).body.decode()
    ((swap_id,),) = site.sql("SELECT id FROM shift_swaps")
    offered = re.findall(r'<option value="(\S+Z/\S+Z)">', page)
    assert offered
    refused = ana.follow(ana.submit(path, {"act": "take", "id": str(swap_id)}))
    assert "which shift of yours" in text_of(refused)
    taken = {"act": "take", "id": str(swap_id), "in_return": offered[-1]}
    assert "It is yours." in text_of(ana.follow(ana.submit(path, taken)))
    assert site.sql("SELECT count(*) FROM schedule_overrides") == [(2,)]


def test_who_asks_for_what_is_not_theirs_is_told(site: Site) -> None:
    schedule_id = schedule(site)
    path = f"/schedules/{schedule_id}"
    vera_site = site.browser("Ben")
    vera_site.get(path)
    wrong = take_over(site, ahead(-2), ahead(-1), substitute_user_id="give")
    assert vera_site.submit(path, wrong).status == 422
    for act in ("undo", "take", "cancel"):
        answer = vera_site.submit(path, {"act": act, "id": "nonsense"})
        assert "Nothing was changed." in text_of(vera_site.follow(answer))
    viewer = site.browser("Vera")
    viewer.get(path)
    assert viewer.submit(path, take_over(site, ahead(1), ahead(2))).status == 403
