"""The editor of a schedule, without scripts."""

from __future__ import annotations

from tests.console.site import Site, text_of
from tests.console.test_on_call_pages import schedule

FIELDS = {
    "name": "Night",
    "timezone": "Europe/Vienna",
    "fallback": "",
    "effective": "now",
    "layers-0-id": "",
    "layers-0-name": "Primary",
    "layers-0-unit": "weekly",
    "layers-0-length": "1",
    "layers-0-handoff_time": "09:00",
    "layers-0-handoff_day": "mon",
    "layers-0-starts_on": "2026-01-05",
    "layers-0-turns": "Ana\nBen + Vera",
    "layers-0-hours": "",
    "layers-0-mode": "wall",
}


def layers(site: Site) -> list[dict[str, object]]:
    ((found,),) = site.sql("SELECT layers FROM schedules WHERE deleted_at IS NULL")
    assert isinstance(found, list)
    return found


def test_a_schedule_is_made_after_reading_what_it_changes(site: Site) -> None:
    browser = site.browser("Ana")
    assert "Add a schedule" in text_of(browser.get("/schedules"))
    browser.get("/schedules/new")
    tried = browser.submit("/schedules/new", {**FIELDS, "act": "try"})
    words = text_of(tried)
    assert "Ana gains" in words
    assert "No gap in the next 60 days" in words
    assert site.sql("SELECT count(*) FROM schedules") == [(0,)]
    made = browser.follow(browser.submit("/schedules/new", {**FIELDS, "act": "save"}))
    assert "“Night” is in force." in text_of(made)
    people = site.people
    assert layers(site)[0]["participants"] == [
        [str(people["Ana"])],
        [str(people["Ben"]), str(people["Vera"])],
    ]


def test_layers_are_put_in_moved_and_taken_out_without_saving(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/schedules/new")
    more = browser.submit("/schedules/new", {**FIELDS, "act": "add"})
    assert 'name="layers-1-turns"' in more.body.decode()
    assert "Ben + Vera" in more.body.decode(), "what was entered stays"
    two = {**FIELDS, "layers-1-name": "Second", "layers-1-turns": "Vera"}
    up = browser.submit("/schedules/new", {**two, "act": "up-1"}).body.decode()
    assert up.index('value="Second"') < up.index('value="Primary"')
    out = browser.submit("/schedules/new", {**two, "act": "remove-0"}).body.decode()
    assert 'value="Primary"' not in out
    assert site.sql("SELECT count(*) FROM schedules") == [(0,)]


def test_a_change_is_told_in_words_keeps_the_layer_and_makes_a_version(site: Site) -> None:
    schedule_id = schedule(site)
    (before,) = layers(site)
    browser = site.browser("Ana")
    page = browser.get(f"/schedules/{schedule_id}/edit").body.decode()
    assert "Ana\nBen" in page
    fields = {
        **FIELDS,
        "name": "Primary",
        "timezone": "UTC",
        "layers-0-id": str(before["id"]),
        "layers-0-name": "week",
        "layers-0-turns": "Vera",
        "layers-0-hours": "mon-fri 09:00-17:00",
    }
    tried = text_of(browser.submit(f"/schedules/{schedule_id}/edit", {**fields, "act": "try"}))
    assert "Vera gains" in tried
    assert "New gaps: nobody is on call" in tried
    assert layers(site) == [before]
    browser.follow(browser.submit(f"/schedules/{schedule_id}/edit", {**fields, "act": "save"}))
    (after,) = layers(site)
    assert after["id"] == before["id"]
    assert after["restrictions"] == [
        {
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "start": "09:00",
            "end": "17:00",
            "end_day": None,
        }
    ]


def test_what_is_wrong_is_said_at_the_field(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/schedules/new")
    for field, value, words in (
        ("layers-0-turns", "Zoe", "“Zoe” is nobody of this workspace."),
        ("layers-0-hours", "noon", "“noon” is no time"),
        ("timezone", "Vienna", "timezone"),
        ("layers-0-length", "x", "integer"),
        ("layers-0-starts_on", "soon", "must be a date"),
    ):
        answer = browser.submit("/schedules/new", {**FIELDS, field: value, "act": "save"})
        assert answer.status == 422, field
        assert words.lower() in text_of(answer).lower(), (field, text_of(answer))
    assert site.sql("SELECT count(*) FROM schedules") == [(0,)]


def test_months_hand_over_on_a_day_of_the_month(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/schedules/new")
    monthly = {**FIELDS, "layers-0-unit": "monthly", "layers-0-handoff_date": "31"}
    made = browser.follow(browser.submit("/schedules/new", {**monthly, "act": "save"}))
    assert "every month, day 31, 09:00" in text_of(made)
    (layer,) = layers(site)
    assert layer["rotation"]["handoff_day"] == 31  # type: ignore[index]
    ((schedule_id,),) = site.sql("SELECT id FROM schedules")
    page = browser.get(f"/schedules/{schedule_id}/edit").body.decode()
    assert 'name="layers-0-handoff_date"' in page
    assert 'value="31"' in page
    for wrong in ("32", "0", "last"):
        form = {**monthly, "layers-0-handoff_date": wrong, "act": "save"}
        assert browser.submit("/schedules/new", form).status == 422, wrong
    other = {**FIELDS, "name": "Weeks", "layers-0-handoff_date": "31", "act": "save"}
    assert browser.submit("/schedules/new", other).status == 303, "of weeks it says nothing"


def test_who_may(site: Site) -> None:
    schedule_id = schedule(site)
    responder = site.browser("Ben")
    assert "/edit" not in responder.get(f"/schedules/{schedule_id}").body.decode()
    for path in ("new", f"{schedule_id}/edit", f"{schedule_id}/change"):
        responder.get("/schedules")
        refused = responder.submit(f"/schedules/{path}", FIELDS)
        assert "This takes the role admin" in text_of(refused)
    other = site.browser("Otto")
    assert other.get(f"/schedules/{schedule_id}/edit").status == 404
    admin = site.browser("Ana")
    admin.get("/")
    assert "Deleted." in text_of(
        admin.follow(admin.submit(f"/schedules/{schedule_id}/change", {"act": "delete"}))
    )
