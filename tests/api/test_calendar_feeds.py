"""Calendar feeds: read with nothing but their address, until they are revoked."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from icalendar import Calendar

from tests.api import past
from tests.api.conftest import Hub
from tests.support.answers import Answer

FEEDS = "/calendar-feeds"


@pytest.fixture
def people(hub: Hub) -> dict[str, str]:
    return {name: past.member(hub, hub.workspace_id, name) for name in ("Ann", "Ben")}


@pytest.fixture
def schedule(hub: Hub, people: dict[str, str]) -> dict[str, Any]:
    return hub.admin.made("/schedules", past.schedule("Platform", *people.values()))


def _read(hub: Hub, feed: dict[str, Any], **headers: str) -> Answer:
    """As a calendar does: nothing but the address."""
    root = replace(hub.nobody, base_url=hub.admin.base_url.removesuffix("/api/v1"))
    return root.request("GET", urlsplit(feed["url"]).path, headers=headers)


def test_a_schedule_and_a_person_have_calendars(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    whole = hub.responder.made(FEEDS, {"name": "wall", "schedule_id": schedule["id"]})
    answer = _read(hub, whole)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    calendar = Calendar.from_ical(answer.body)
    assert str(calendar["x-wr-calname"]) == "On call: Platform"
    events = calendar.walk("VEVENT")
    assert len(events) >= 180
    assert {str(each["summary"]) for each in events} == {"Ann (Platform)", "Ben (Platform)"}
    assert all(
        first.decoded("dtend") == second.decoded("dtstart")
        for first, second in itertools.pairwise(events)
    )
    own = hub.responder.made(FEEDS, {"name": "phone", "user_id": people["Ann"]})
    events = Calendar.from_ical(_read(hub, own).body).walk("VEVENT")
    assert {str(each["summary"]) for each in events} == {"On call: Platform"}
    assert 85 < len(events) < 100


def test_what_has_not_changed_is_not_sent_again(hub: Hub, schedule: dict[str, Any]) -> None:
    feed = hub.responder.made(FEEDS, {"name": "wall", "schedule_id": schedule["id"]})
    first = _read(hub, feed)
    tag = first.headers["etag"]
    again = _read(hub, feed, **{"If-None-Match": f'"other", W/{tag}'})
    assert (again.status, again.body) == (304, b"")
    hub.admin.patch(f"/schedules/{schedule['id']}", {"timezone": "Europe/Berlin"})
    changed = _read(hub, feed, **{"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["etag"] != tag


def test_another_name_of_a_person_is_in_their_calendars_at_once(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    feed = hub.responder.made(FEEDS, {"name": "wall", "schedule_id": schedule["id"]})
    tag = _read(hub, feed).headers["etag"]
    hub.admin.patch(f"/users/{people['Ann']}", {"name": "Ann Lee"})
    changed = _read(hub, feed, **{"If-None-Match": tag})
    names = {str(each["summary"]) for each in Calendar.from_ical(changed.body).walk("VEVENT")}
    assert names == {"Ann Lee (Platform)", "Ben (Platform)"}


def test_an_address_is_shown_once_kept_as_a_hash_and_dies_when_it_is_revoked(
    hub: Hub, schedule: dict[str, Any]
) -> None:
    feed = hub.responder.made(FEEDS, {"name": "wall", "schedule_id": schedule["id"]})
    token = urlsplit(feed["url"]).path.removeprefix("/calendars/").removesuffix(".ics")
    assert len(token) >= 43
    listed = hub.viewer.get(FEEDS)
    assert listed.json()["items"][0]["last_used_at"] is None
    assert token.encode() not in listed.body
    assert token not in str(hub.sql("SELECT to_jsonb(f) FROM calendar_feeds f"))
    assert token not in str(hub.sql("SELECT to_jsonb(e) FROM audit_events e"))
    assert _read(hub, feed).status == 200
    assert hub.viewer.get(f"{FEEDS}/{feed['id']}").json()["last_used_at"] is not None
    unknown = _read(hub, {"url": feed["url"].replace(token, token[::-1])})
    assert hub.responder.delete(f"{FEEDS}/{feed['id']}").status == 204
    gone = _read(hub, feed)
    assert (gone.status, gone.body) == (unknown.status, unknown.body)
    assert gone.status == 404


def test_a_feed_is_of_something_of_this_workspace(hub: Hub, schedule: dict[str, Any]) -> None:
    assert hub.responder.post(FEEDS, {"name": "x"}).status == 422
    for body in (
        {"name": "x", "schedule_id": schedule["id"]},
        {"name": "x", "user_id": schedule["layers"][0]["participants"][0][0]},
    ):
        answer = hub.stranger.post(FEEDS, body)
        assert (answer.status, answer.slug) == (404, "not-found")


def test_a_schedule_that_is_deleted_leaves_an_empty_calendar(
    hub: Hub, schedule: dict[str, Any]
) -> None:
    feed = hub.responder.made(FEEDS, {"name": "wall", "schedule_id": schedule["id"]})
    assert hub.admin.delete(f"/schedules/{schedule['id']}").status == 204
    answer = _read(hub, feed)
    assert answer.status == 200
    assert Calendar.from_ical(answer.body).walk("VEVENT") == []
