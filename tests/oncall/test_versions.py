"""What a change of a schedule does: who stays on call, that the past stays, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oncall.builders import (
    ANN,
    BEN,
    CAT,
    DAN,
    LAYER,
    NAMES,
    layer,
    lines,
    override,
    rotation,
    schedule,
    utc,
    window,
)
from tocsin.oncall.changes import compare, gap_words, in_words
from tocsin.oncall.documents import layer_document, layer_from
from tocsin.oncall.resolve import CauseKind, gaps, on_call, resolve
from tocsin.oncall.schedule import Fallback, Layer, OnCallSchedule, RestrictionMode
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import left_out_words
from tocsin.oncall.versions import following, next_handoff, version_at, with_version, without_user

DAILY = rotation("daily", "2026-06-01")
NOW = utc("2026-06-04T12:00")
SPAN = Span(utc("2026-06-01"), utc("2026-06-20"))


def changed(plan: OnCallSchedule, wanted: Layer, at: Any = NOW, **more: Any) -> OnCallSchedule:
    before = version_at(plan, at)
    assert before is not None
    version = replace(before, effective_from=at, layers=(wanted,))
    return with_version(plan, following(before, version, **more))


def left_by(plan: OnCallSchedule, user: UUID) -> OnCallSchedule:
    before = version_at(plan, NOW)
    assert before is not None
    wanted = replace(before, effective_from=NOW)
    return with_version(plan, without_user(wanted, user, before))


def users(plan: OnCallSchedule, since: str, until: str) -> str:
    shifts = resolve(plan, utc(since), utc(until))
    return "".join(NAMES[each.user][0] for each in shifts if each.user)


def test_who_is_on_call_stays_until_the_next_hand_over():
    plan = schedule("UTC", layer(DAILY, ANN, BEN, CAT))  # on the 4th Ann, for the second time
    for wanted in (
        layer(DAILY, CAT, BEN, ANN),
        layer(rotation("weekly", "2026-06-01"), BEN, ANN),
        layer(DAILY, DAN, (ANN, BEN)),
    ):
        after = changed(plan, wanted)
        assert ANN in {each.user for each in on_call(after, NOW)}
    after = changed(plan, layer(DAILY, CAT, BEN, ANN))
    assert users(after, "2026-06-04T12:00", "2026-06-07T12:00") == "ACBA"
    asked = changed(plan, layer(DAILY, CAT, BEN, ANN), keep_on_call=False)
    assert users(asked, "2026-06-04T12:00", "2026-06-07T12:00") == "CBAC"


def test_a_shift_that_goes_on_is_one():
    plan = schedule("UTC", layer(DAILY, ANN, BEN))
    after = changed(plan, layer(DAILY, ANN, BEN, CAT), utc("2026-06-03T12:00"))
    shifts = resolve(after, utc("2026-06-03T09:00"), utc("2026-06-05T09:00"))
    assert lines(shifts) == [
        "Ann 2026-06-03T09:00Z 2026-06-04T09:00Z",
        "Ben 2026-06-04T09:00Z 2026-06-05T09:00Z",
    ]
    # One that ends with the change is not drawn out by the next turn of the same person.
    alone = schedule("UTC", layer(DAILY, ANN))
    after = changed(alone, layer(DAILY, ANN, BEN), utc("2026-06-03T09:00"))
    assert len(resolve(after, utc("2026-06-02T09:00"), utc("2026-06-04T09:00"))) == 2


def test_the_past_stays():
    plan = schedule("UTC", layer(DAILY, ANN, BEN, CAT))
    after = changed(plan, layer(rotation("hours", "2026-01-01", length=5), DAN))
    assert resolve(after, SPAN.starts_at, NOW) == resolve(plan, SPAN.starts_at, NOW)


def test_a_layer_that_did_not_change_goes_on_as_it_was():
    plan = schedule("UTC", layer(DAILY, ANN, BEN, CAT))
    same = changed(plan, replace(layer(DAILY, ANN, BEN, CAT), name="Other name"))
    assert same.versions[-1].layers[0].version == 1
    assert lines(resolve(same, *SPAN)) == lines(resolve(plan, *SPAN))


def test_who_is_deleted_while_on_call_is_followed_by_the_next_at_once():
    plan = schedule("UTC", layer(DAILY, ANN, BEN, CAT))
    after = left_by(plan, ANN)
    assert users(after, "2026-06-04T11:00", "2026-06-07T12:00") == "ABCBC"
    assert {each.user for each in resolve(after, NOW, SPAN.ends_at)} == {BEN, CAT}
    shared = schedule("UTC", layer(DAILY, (ANN, BEN), CAT))
    left = left_by(shared, ANN)
    assert left.versions[-1].layers[0].participants == ((BEN,), (CAT,))


def test_where_the_last_is_deleted_the_fallback_is_told_and_the_gap_is_seen():
    plan = schedule("UTC", layer(DAILY, ANN), fallback=Fallback(user=DAN))
    after = left_by(plan, ANN)
    (now,) = on_call(after, NOW)
    assert (now.user, now.cause.kind) == (DAN, CauseKind.FALLBACK)
    change = compare(plan, after, Span(NOW, NOW + timedelta(days=1)))
    assert change.new_gaps == (Span(NOW, NOW + timedelta(days=1)),)
    assert left_by(after, DAN).versions[-1].fallback is None


def test_the_next_hand_over_is_when_every_shift_that_lasts_is_over():
    weekly = rotation("weekly", "2026-06-01", day=0)
    other = replace(layer(DAILY, BEN), id=ANN)
    version = version_at(schedule("UTC", layer(weekly, ANN), other), NOW)
    assert next_handoff(version, NOW) == utc("2026-06-08T09:00")


def test_a_change_is_told_in_words():
    plan = schedule("Europe/Berlin", layer(DAILY, ANN, BEN))
    span = Span(utc("2026-06-05T07:00"), utc("2026-06-08T07:00"))
    cover = override("cover", "2026-06-05T07:00", "2026-06-05T21:00", by=CAT)
    out = override("remove", "2026-06-07T10:00", "2026-06-07T11:30", user=ANN, number=2)
    after = replace(plan, overrides=(cover, out))
    assert in_words(compare(plan, after, span), NAMES, "Europe/Berlin") == [
        "Cat gains 14 h: Fri 5 Jun 09:00 to 23:00.",
        "Ann loses 15 h 30 min: Fri 5 Jun 09:00 to 23:00; Sun 7 Jun 12:00 to 13:30.",
        "1 h 30 min (Sun 7 Jun 12:00 to 13:30): nobody is on call.",
    ]
    back = in_words(compare(after, plan, span), NAMES, "Europe/Berlin")
    assert back[-1] == "1 h 30 min (Sun 7 Jun 12:00 to 13:30): no gap any more."
    many = [Span(NOW + timedelta(days=day), NOW + timedelta(days=day, hours=1)) for day in range(9)]
    assert gap_words(many, ZoneInfo("UTC")).endswith("13:00; and 4 more)")


def test_a_replacement_of_nobody_is_told_to_have_no_effect():
    plan = schedule("UTC", layer(DAILY, ANN, BEN))
    idle = override("replace", "2026-06-05T09:00", "2026-06-06T09:00", user=BEN, by=CAT)
    (line,) = in_words(compare(plan, replace(plan, overrides=(idle,)), SPAN), NAMES, "UTC")
    assert line.startswith("No effect")


def test_a_local_time_that_is_left_out_is_answered_with_the_nearest_two():
    words = left_out_words(utc("2026-03-29T02:30").replace(tzinfo=None), "Europe/Berlin")
    assert words is not None
    assert words.endswith("take 01:30 or 03:30")
    assert left_out_words(utc("2026-03-29T03:30").replace(tzinfo=None), "Europe/Berlin") is None


def test_a_layer_survives_its_document():
    made = layer(
        rotation("weekly", "2026-06-01", length=2, day=0),
        ANN,
        (),
        (BEN, CAT),
        restrictions=(window("mon fri", "22:00", "06:00"), window("sat", "09:00", "09:00", "mon")),
        mode=RestrictionMode.ACTIVE,
        offset=2,
        version=3,
    )
    assert layer_from(layer_document(made)) == made
    monthly = layer(rotation("monthly", "2026-06-01", day=31), ANN)
    assert layer_from(layer_document(monthly)) == monthly


ENTRIES = st.lists(st.sampled_from([(ANN,), (BEN,), (CAT,), (ANN, BEN)]), min_size=1, max_size=5)
TURNING = st.sampled_from(
    [
        DAILY,
        rotation("weekly", "2026-05-30", day=0),
        rotation("hours", "2026-06-01", length=7),
        rotation("hours", "2026-06-02", length=6),
        rotation("monthly", "2026-05-15"),
    ]
)


@settings(max_examples=200)
@given(ENTRIES, ENTRIES, TURNING, TURNING, st.integers(3 * 1440, 9 * 1440))
def test_whoever_is_still_there_stays_and_nothing_before_changes(old, new, was, becomes, minutes):
    plan = schedule("Europe/Berlin", Layer(LAYER, "x", was, tuple(old)))
    at = SPAN.starts_at + timedelta(minutes=minutes)
    after = changed(plan, Layer(LAYER, "x", becomes, tuple(new)), at)
    assert resolve(after, SPAN.starts_at, at) == resolve(plan, SPAN.starts_at, at)
    on = {each.user for each in on_call(plan, at)}
    if on & {user for entry in new for user in entry}:
        assert on & {each.user for each in on_call(after, at)}
    assert gaps(after, resolve(after, *SPAN), SPAN) == gaps(plan, resolve(plan, *SPAN), SPAN)
