from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.delivery.channels import samples
from tocsin.delivery.channels.kit import escape
from tocsin.delivery.channels.kit.http import LONGEST_WAIT, retry_after
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.channels.kit.moments import duration
from tocsin.message import Flapping, Links, Message, Named
from tocsin.model import AlertStatus, EventType

UTC = ZoneInfo("UTC")


def change(message: Message) -> str:
    return describe(message, UTC, Links(alert="https://hub.example/alerts/1")).change


def test_what_changed_is_a_sentence() -> None:
    at = samples.AT
    acknowledged = samples.alert(
        status=AlertStatus.ACKNOWLEDGED, acknowledged_at=at + timedelta(minutes=3)
    )

    assert change(samples.message()) == "Triggered; nobody has acknowledged it yet."
    assert change(samples.message(about=samples.alert(occurrence_count=4))) == (
        "Triggered; reported 4 times so far."
    )
    assert change(samples.message(EventType.ACKNOWLEDGED, acknowledged, actor="Ada")) == (
        "Acknowledged by Ada, 3 min after it was triggered."
    )
    said = samples.message(EventType.ACKNOWLEDGED, acknowledged, actor="Ada", said="On\nit ")
    assert change(said) == "Acknowledged by Ada, 3 min after it was triggered. “On it”"
    assert change(samples.message(EventType.RESOLVED, actor="prometheus")) == (
        "Resolved by prometheus, 12 min after it was triggered."
    )
    assert change(samples.message(EventType.REMINDER, created_at=at + timedelta(hours=4))) == (
        "Still open after 4 h; nobody has acknowledged it yet."
    )
    assert (
        change(
            samples.message(
                EventType.RESOLVED, actor="tocsin", no_news_since=at - timedelta(days=1)
            )
        )
        == "No news for 1 d; taken to be over. Nobody said so."
    )
    flapping = Flapping(changes=4, first_at=at, since=at + timedelta(minutes=6))
    later = {"created_at": at + timedelta(minutes=6), "flapping": flapping}
    assert change(samples.message(EventType.FLAPPING, **later)) == (
        "Flapping: 4 changes in 6 min; now it is open. You hear when it has settled, and meanwhile"
        " now and then."
    )
    later = {"created_at": at + timedelta(minutes=63), "flapping": flapping}
    over = samples.alert(status=AlertStatus.RESOLVED)
    assert change(samples.message(EventType.SETTLED, over, **later)) == (
        "Settled after 57 min of flapping (4 changes in 1 h 3 min): it is resolved."
    )
    assert change(samples.message(note="“pager” has failed for 10 minutes.")).endswith(
        " “pager” has failed for 10 minutes."
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (12_000, "3 h 20 min"),
        (86_400, "1 d"),
        (190_800, "2 d 5 h"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_only_what_still_makes_sense_is_offered() -> None:
    links = samples.links_for("x")

    def names(event: EventType) -> list[str]:
        return [action.name for action in describe(samples.message(event), UTC, links).actions]

    assert names(EventType.TRIGGERED) == ["Acknowledge", "Resolve", "Open in Tocsin"]
    assert names(EventType.ACKNOWLEDGED) == ["Resolve", "Open in Tocsin"]
    assert names(EventType.RESOLVED) == ["Open in Tocsin"]


def test_a_code_is_shown_only_where_it_can_be_used() -> None:
    links = samples.links_for("x")

    assert describe(samples.message(), UTC, links).code == "4821"
    assert describe(samples.message(EventType.RESOLVED), UTC, links).code is None


def test_a_path_is_no_link_for_readers_elsewhere() -> None:
    assert describe(samples.message(), UTC, Links(alert="/alerts/1")).actions == ()


def test_many_labels_are_counted_not_listed() -> None:
    labels = {f"label-{index:03}": "x" for index in range(33)}
    words = describe(samples.message(about=samples.alert(labels=labels)), UTC, Links(alert=""))

    assert (len(words.labels), words.more_labels) == (20, 14)  # and the tool's own id


def test_a_zone_is_shown_beside_utc() -> None:
    [moment] = describe(
        samples.message(), ZoneInfo("Asia/Kathmandu"), samples.links_for("x")
    ).moments

    assert moment.text == "2026-11-22 02:43:15 +0545 (2026-11-21 20:58:15 UTC)"


def test_its_age_is_said_while_it_lasts() -> None:
    def aged(message: Message) -> str:
        return describe(message, ZoneInfo("Europe/Vienna"), samples.links_for("x")).moments[0].aged

    def later(minutes: int) -> Message:
        return samples.message(at=samples.AT + timedelta(minutes=minutes))

    at = "2026-11-21 21:58:15 CET (2026-11-21 20:58:15 UTC)"
    assert aged(later(0)) == f"{at}, just now"
    assert aged(later(12)) == f"{at}, 12 min ago"
    assert aged(later(200)) == f"{at}, 3 h 20 min ago"
    assert aged(samples.message(EventType.RESOLVED)) == at


def test_a_tenant_is_named_where_there_are_several() -> None:
    def facts(message: Message) -> list[str]:
        return [fact.name for fact in describe(message, UTC, samples.links_for("x")).facts]

    assert facts(samples.message()) == ["Source", "Tenant"]
    only = Named(samples.WORKSPACE_ID, "Default", "default")
    assert facts(samples.message(tenant=only)) == ["Source"]


def test_a_long_description_does_not_push_away_what_can_be_done() -> None:
    short = describe(samples.message(), UTC, samples.links_for("x"))
    long = samples.message(about=samples.alert(description="word " * 200))
    words = describe(long, UTC, samples.links_for("x"))

    assert (short.lead, short.rest) == (short.description, None)
    assert (words.lead, words.rest) == (None, words.description)


@given(st.text(), st.integers(1, 60))
def test_long_words_can_be_broken_and_say_the_same(text: str, longest: int) -> None:
    broken = escape.breakable(text, longest)

    assert broken.replace("\u200b", "") == text.replace("\u200b", "")
    runs = re.split(r"[\s\u200b-]", broken)
    assert max((len(run) for run in runs), default=0) <= longest


@given(st.text(), st.integers(1, 300))
def test_no_text_keeps_what_can_hide_or_break(text: str, limit: int) -> None:
    line, block = escape.one_line(text, limit), escape.lines(text, limit)

    assert len(line) <= limit
    assert len(block) <= limit
    assert "\n" not in line
    for character in line + block.replace("\n", ""):
        assert ord(character) >= 0x20
        assert not 0x7F <= ord(character) < 0xA0
        assert character not in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    (line + block).encode()


@given(st.text())
def test_a_header_text_starts_no_encoded_word(text: str) -> None:
    assert "=?" not in escape.header(text + "=?utf-8?q?=0A?=", 10_000)


@given(st.text(max_size=200), st.integers(1, 100))
def test_slack_text_is_escaped_and_within_its_limit(text: str, limit: int) -> None:
    escaped = escape.slack(text, limit)

    assert len(escaped) <= limit
    assert "<" not in escaped
    assert ">" not in escaped
    bare = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in bare


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("-3", 1.0),
        ("1.5", 1.5),
        ("999999", LONGEST_WAIT),
        ("inf", LONGEST_WAIT),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Sat, 21 Nov 2026 20:59:45 GMT", 90.0),
        ("Sat, 21 Nov 2026 20:59:45 -0000", 90.0),
        ("Sat, 21 Nov 2020 20:59:45 GMT", 1.0),
        ("Sat, 99 Nov 2026 99:99:99 GMT", None),
        ("9" * 5_000, LONGEST_WAIT),
    ],
)
def test_a_time_to_wait_is_read_whatever_its_form(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, samples.AT) == seconds


def test_a_code_stands_in_the_title_wherever_there_is_room_for_one_line() -> None:
    test = samples.message(EventType.TEST, alert=None)
    words = describe(replace(test, code="042137"), UTC, samples.links_for("ana"))
    assert words.summary == "Code: Your Tocsin code is 042137"
    assert words.headline == "Code"
    assert "within 15 minutes" in words.change
    assert describe(test, UTC, samples.links_for("ana")).summary.startswith("Test: ")
