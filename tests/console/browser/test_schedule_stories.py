"""A schedule in a real browser: a time is chosen by dragging, or by keys only; and on a phone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import OpenPage
from tests.console.browser.test_accessibility import violations
from tests.console.browser.test_stories import PHONE
from tests.console.site import Site
from tests.console.test_schedule_page import gappy, schedule


def week(schedule_id: str) -> str:
    """Of the next Monday, so that all of it is to come."""
    today = datetime.now(UTC)
    monday = today + timedelta(days=7 - today.weekday())
    return f"/schedules/{schedule_id}?view=week&from={monday:%Y-%m-%d}"


def at(page: Page, day: int, hour: float) -> tuple[float, float]:
    """Where this hour of the week stands on the lane of who is on call."""
    box = page.locator("[data-track]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * (24 * day + hour) / 168, box["y"] + box["height"] / 2


def drag(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move((begin[0] + end[0]) / 2, begin[1])
    page.mouse.move(*end)
    page.mouse.up()


def overrides(site: Site) -> list[tuple[Any, ...]]:
    return site.sql("SELECT starts_at, ends_at, kind::text FROM schedule_overrides")


def test_a_time_is_dragged_on_the_lane_and_told_in_words_before_it_is_saved(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page("Ben", week(schedule(site)))
    page.select_option("#substitute_user_id", label="Vera")
    drag(page, at(page, 1, 18), at(page, 1, 21))
    expect(page.locator("#starts_at")).to_have_value(re.compile("T18:00$"))
    expect(page.locator("#ends_at")).to_have_value(re.compile("T21:00$"))
    expect(page.locator("#user_id")).not_to_have_value("")
    expect(page.locator("[data-preview]")).to_contain_text("Vera gains 3 h")
    expect(page.locator("[data-lane-status]")).to_contain_text("18:00")
    assert overrides(site) == []
    # The far end is taken hold of, and moved by two hours.
    drag(page, at(page, 1, 21), at(page, 1, 23))
    expect(page.locator("#ends_at")).to_have_value(re.compile("T23:00$"))
    expect(page.locator("[data-preview]")).to_contain_text("Vera gains 5 h")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("The override is in force.")
    ((begin, end, kind),) = overrides(site)
    assert (kind, end - begin) == ("replace", timedelta(hours=5))
    page.locator(".toast button").click()
    expect(page.locator(".toast")).to_contain_text("Undone.")
    assert overrides(site) == []


def test_a_tap_takes_the_whole_shift_and_escape_gives_up(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", week(schedule(site)))
    page.mouse.click(*at(page, 2, 20))
    expect(page.locator("#starts_at")).to_have_value(re.compile("T16:00$"))
    expect(page.locator("#ends_at")).to_have_value(re.compile("T09:00$"))
    page.mouse.move(*at(page, 4, 2))
    page.mouse.down()
    page.mouse.move(*at(page, 4, 6))
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator("[data-lane-status]")).to_contain_text("16:00")


def test_an_override_is_made_by_keyboard_only(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", week(schedule(site)))
    page.keyboard.press("o")
    begin = page.get_by_role("slider", name="Beginning")
    expect(begin).to_be_focused()
    before = begin.get_attribute("aria-valuetext")
    for key in ("Home", "PageDown", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert begin.get_attribute("aria-valuetext") != before
    page.keyboard.press("Tab")
    end = page.get_by_role("slider", name="End")
    expect(end).to_be_focused()
    page.keyboard.press("End")
    expect(end).to_have_attribute("aria-valuetext", re.compile(r"\d\d:\d\d"))
    chosen = page.locator("#starts_at").input_value()
    page.keyboard.press("Enter")
    expect(page.locator("#substitute_user_id")).to_be_focused()
    page.keyboard.type("Vera")
    expect(page.locator("[data-preview]")).to_contain_text("Vera gains")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The override is in force.")
    ((starts_at, _, _),) = overrides(site)
    assert f"{starts_at.astimezone(UTC):%Y-%m-%dT%H:%M}" == chosen


def test_keys_lead_to_other_days(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", week(schedule(site)))
    first = page.locator(".calendar-bar h2").inner_text()
    page.keyboard.press("]")
    expect(page.locator(".calendar-bar h2")).not_to_have_text(first)
    page.keyboard.press("[")
    expect(page.locator(".calendar-bar h2")).to_have_text(first)
    page.keyboard.press("t")
    expect(page.locator(".calendar-bar .meta, .section-head .meta").first).to_have_text("from now")


def test_the_clock_of_the_schedule_counts_where_it_is_moved(
    site: Site, open_page: OpenPage
) -> None:
    schedule_id = schedule(site, timezone="Europe/Berlin")
    page = open_page("Ben", f"/schedules/{schedule_id}?view=day&from=2035-03-25")
    box = page.locator("[data-track]").bounding_box()
    assert box is not None
    # Of 23 hours the first two are before the change, what follows is an hour later by the clock.
    where = [box["x"] + box["width"] * hour / 23 for hour in (1, 3)]
    middle = box["y"] + box["height"] / 2
    drag(page, (where[0], middle), (where[1], middle))
    expect(page.locator("#starts_at")).to_have_value("2035-03-25T01:00")
    expect(page.locator("#ends_at")).to_have_value("2035-03-25T04:00")


def test_a_phone_has_the_list_and_takes_over_from_it(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", week(gappy(site)), **PHONE)
    expect(page.locator(".lanes")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    link = page.locator(".agenda li.gap a").first
    box = link.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    link.tap()
    expect(page.locator("#starts_at")).to_have_value(re.compile("T23:00$"))
    page.get_by_role("button", name="Save").tap()
    expect(page.locator(".toast")).to_contain_text("The override is in force.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_schedule(site: Site, open_page: OpenPage, scheme: str) -> None:
    schedule_id = gappy(site)
    site.sql("UPDATE users SET timezone = 'Asia/Tokyo' WHERE name = 'Ben'")
    page = open_page("Ben", f"/schedules/{schedule_id}?from=2035-03-05", color_scheme=scheme)
    page.keyboard.press("o")
    for view in ("week", "month", "agenda"):
        assert violations(page) == [], view
        page.goto(f"/schedules/{schedule_id}?view={view}&from=2035-03-05")


def test_it_follows_what_is_changed_elsewhere_and_leaves_alone_what_is_chosen(
    site: Site, open_page: OpenPage
) -> None:
    schedule_id = schedule(site)
    page = open_page("Ben", week(schedule_id))
    expect(page.locator(".live")).to_contain_text("live")
    drag(page, at(page, 1, 18), at(page, 1, 21))
    page.locator("#comment").fill("dentist")
    expect(page.locator("[data-preview]")).to_contain_text("gains 3 h")
    begin = datetime.now(UTC) + timedelta(days=9)
    override = {"kind": "cover", "substitute_user_id": str(site.people["Ana"]), "comment": "swap"}
    times = {"starts_at": begin.isoformat(), "ends_at": (begin + timedelta(hours=5)).isoformat()}
    site.api.made(f"/schedules/{schedule_id}/overrides", {**override, **times})
    expect(page.get_by_text("Changed by hand")).to_be_visible()
    expect(page.locator("#comment")).to_have_value("dentist")
    expect(page.locator("[data-lane-status]")).to_contain_text("18:00")
    # What is chosen is still there to be moved.
    drag(page, at(page, 1, 21), at(page, 1, 23))
    expect(page.locator("#ends_at")).to_have_value(re.compile("T23:00$"))
