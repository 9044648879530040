from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.oncall.builders import ANN, BEN, CAT, LAYER, NAMES, layer, rotation, utc, window
from tocsin.model import EventType, uuid7
from tocsin.oncall.gap_notices import gap_news, gap_notice, look_at
from tocsin.oncall.resolve import gaps, resolve
from tocsin.oncall.schedule import (
    Layer,
    OnCallSchedule,
    Override,
    OverrideKind,
    ScheduleVersion,
)
from tocsin.oncall.shift_notices import ShiftNotices, due_notices, shift_words
from tocsin.oncall.spans import Span

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WANTED = ShiftNotices((DAY, HOUR), at_end=True)
VIENNA = ZoneInfo("Europe/Vienna")


def schedule(*layers: Layer, overrides: tuple[Override, ...] = ()) -> OnCallSchedule:
    begun = utc("2026-01-01T00:00")
    return OnCallSchedule(
        uuid7(), (ScheduleVersion(begun, "Europe/Vienna", tuple(layers)),), overrides
    )


WEEKLY = schedule(layer(rotation("weekly", "2026-06-01"), ANN, BEN))


def told(of: OnCallSchedule, at: str, *users: object) -> list[tuple[str, str, str]]:
    asked = dict.fromkeys(users or (ANN, BEN, CAT), WANTED)
    return [
        (
            NAMES[each.user],
            each.event_type.value.removeprefix("schedules.shift_"),
            f"{each.at:%d %H:%M}",
        )
        for each in due_notices(of, asked, utc(at))  # type: ignore[arg-type]
    ]


def test_before_each_shift_and_when_it_has_ended() -> None:
    # The hand-over is on Monday at nine, seven in UTC.
    assert told(WEEKLY, "2026-06-07T06:59") == []
    assert told(WEEKLY, "2026-06-07T07:00") == [("Ben", "begins", "08 07:00")]
    assert told(WEEKLY, "2026-06-08T06:00") == [("Ben", "begins", "08 07:00")]
    assert told(WEEKLY, "2026-06-08T07:00") == [("Ann", "ends", "08 07:00")]
    assert told(WEEKLY, "2026-06-08T08:00") == []
    assert told(WEEKLY, "2026-06-08T06:30", ANN) == []


def test_each_is_known_by_its_key_however_often_it_is_looked_for() -> None:
    keys = {
        each.key
        for minute in range(59)
        for each in due_notices(WEEKLY, {BEN: WANTED}, utc("2026-06-08T06:00") + minute * HOUR / 60)
    }
    assert keys == {f"{BEN} 3600 2026-06-08T07:00:00Z"}


def test_a_shift_goes_on_across_turns_layers_and_overrides() -> None:
    alone = schedule(layer(rotation("daily", "2026-06-01"), ANN))
    assert told(alone, "2026-06-08T07:00") == []
    twice = schedule(layer(rotation("daily", "2026-06-01"), ANN, ANN, BEN))
    ends = [told(twice, f"2026-06-{day:02}T07:10", ANN) for day in range(8, 14)]
    assert sum(len([each for each in found if each[1] == "ends"]) for found in ends) == 2


def test_who_takes_over_at_short_notice_is_told_at_once_and_once() -> None:
    takes = Override(
        uuid7(),
        OverrideKind.COVER,
        utc("2026-06-03T12:10"),
        utc("2026-06-03T14:00"),
        substitute=CAT,
    )
    changed = schedule(layer(rotation("weekly", "2026-06-01"), ANN, BEN), overrides=(takes,))
    (notice,) = due_notices(changed, {CAT: WANTED}, utc("2026-06-03T12:05"))
    assert (notice.at, notice.lead, notice.until) == (takes.starts_at, HOUR, takes.ends_at)
    assert notice.others == (ANN,)
    # Whoever is covered for is on call again afterwards, which is a shift like any other.
    assert told(changed, "2026-06-03T13:10", ANN) == [("Ann", "begins", "03 14:00")]
    assert told(changed, "2026-06-03T14:00") == [("Cat", "ends", "03 14:00")]


def test_the_words_are_by_the_readers_own_clock() -> None:
    (begins,) = due_notices(WEEKLY, {BEN: WANTED}, utc("2026-06-08T06:00"))
    said = shift_words(begins, "Primary", NAMES, "America/New_York", utc("2026-06-08T06:00"))
    assert said.title == "Primary, Mon 8 Jun 03:00 (America/New_York)"
    assert (
        said.text == "Your shift begins in 1 h, and ends Mon 15 Jun 03:00. Ann is on call before."
    )
    (ends,) = due_notices(WEEKLY, {ANN: WANTED}, utc("2026-06-08T07:00"))
    assert ends.event_type is EventType.SHIFT_ENDS
    said = shift_words(ends, "Primary", NAMES, "UTC", utc("2026-06-08T07:00"))
    assert said.text == "Your shift has ended. Ben is on call now."


def found(of: OnCallSchedule, at: str) -> list[Span]:
    span = look_at(utc(at))
    return gaps(of, resolve(of, *span), span)


NIGHTS_FREE = schedule(
    layer(
        rotation("weekly", "2026-01-05"),
        ANN,
        BEN,
        restrictions=(window("mon tue wed thu fri sat sun", "06:00", "22:00"),),
    )
)


def test_a_gap_of_every_night_is_told_once() -> None:
    known: set[str] = set()
    said = []
    for day in range(30):
        now = utc("2026-06-01T06:00") + day * DAY
        span = look_at(now)
        news = gap_news(gaps(NIGHTS_FREE, resolve(NIGHTS_FREE, *span), span), known, now, VIENNA)
        said.append(len(news.new))
        known |= news.keys
    assert said[0] == 60
    assert sum(said) == 60


def test_a_single_gap_is_told_when_it_is_seen_and_again_in_the_week_before() -> None:
    free = Override(
        uuid7(), OverrideKind.REMOVE, utc("2026-12-24T08:00"), utc("2026-12-24T22:00"), user=ANN
    )
    alone = schedule(layer(rotation("daily", "2026-06-01"), ANN), overrides=(free,))
    known: set[str] = set()
    said = []
    for day in range(70):
        now = utc("2026-10-20T06:00") + day * DAY
        news = gap_news(found(alone, f"{now:%Y-%m-%dT%H:%M}"), known, now, VIENNA)
        known |= news.keys
        if news.new:
            said.append(f"{now:%m-%d}")
            words = gap_notice("Primary", news, "Europe/Vienna")
            assert words.text == "14 h (Thu 24 Dec 09:00 to 23:00). Times in Europe/Vienna."
    assert said == ["10-26", "12-18"]


def test_where_nobody_is_ever_on_call_that_is_said_once() -> None:
    empty = schedule(layer(rotation("daily", "2026-06-01"), id=LAYER))
    known: set[str] = set()
    said = 0
    for day in range(30):
        now = utc("2026-10-20T06:00") + day * DAY
        news = gap_news(found(empty, f"{now:%Y-%m-%dT%H:%M}"), known, now, VIENNA)
        known |= news.keys
        said += bool(news.new)
    assert said == 1


def test_new_gaps_come_first_and_all_are_counted() -> None:
    now = utc("2026-06-01T06:00")
    old = Span(now + 20 * DAY, now + 20 * DAY + HOUR)
    new = Span(now + 30 * DAY, now + 30 * DAY + 2 * HOUR)
    known = gap_news([old], set(), now, VIENNA).keys
    news = gap_news([old, new], known, now, VIENNA)
    assert news.new == (new,)
    assert gap_notice("Primary", news, "UTC").text == (
        "New: 2 h (Wed 1 Jul 06:00 to 08:00). In all 3 h (Sun 21 Jun 06:00 to 07:00; "
        "Wed 1 Jul 06:00 to 08:00). Times in UTC."
    )
