"""What stands beside an alert: every destination's messages, each by itself, without ids."""

from __future__ import annotations

from typing import Any

from tocsin.console.alerts.notified_or_not import notified_or_not, without_name
from tocsin.console.frame.render import readable

ID = "01a217f5-56a8-7a45-af79-4adc4681311a"


def answer(**more: Any) -> dict[str, Any]:
    return {
        "destination_id": ID,
        "destination_name": "Nora: email",
        "was_notified": True,
        "words": "Nora: email: triggered sent; resolved sent",
        "messages": [
            {"event_type": "alerts.triggered", "words": "sent at noon"},
            {"event_type": "alerts.resolved", "words": "held back: a silence; ends soon"},
        ],
        **more,
    }


def test_each_message_is_a_line_of_its_own() -> None:
    (shown,) = notified_or_not({"answers": [answer()]})
    assert (shown.name, shown.was_notified) == ("Nora: email", True)
    assert shown.lines == [
        ("triggered", "sent at noon"),
        ("resolved", "held back: a silence; ends soon"),
    ]


def test_where_nobody_was_to_be_told_it_says_why() -> None:
    nobody = answer(
        destination_id=None, destination_name=None, was_notified=False, words="no rule", messages=[]
    )
    (shown,) = notified_or_not({"answers": [nobody]})
    assert (shown.name, shown.lines) == ("Nobody", [("", "no rule")])


def test_a_destination_that_is_gone_is_not_nobody() -> None:
    (shown,) = notified_or_not({"answers": [answer(destination_name=None)]})
    assert shown.name == "A destination since deleted"


def test_a_name_may_have_a_colon() -> None:
    named = {"destination_name": "Nora: email", "words": "Nora: email: sent at noon"}
    gone = {"destination_name": None, "words": "a destination since deleted (x): sent at noon"}
    assert without_name(named) == without_name(gone) == "sent at noon"


def test_ids_are_links_or_words_and_what_others_wrote_is_no_markup() -> None:
    assert readable(f"sent, with others, in message {ID}; <b>", "UTC") == (
        f'sent, with others, in <a href="/deliveries/{ID}">one message</a>; &lt;b&gt;'
    )
    assert readable(f"it repeats webhook delivery {ID} and", "UTC") == (
        "it repeats an earlier webhook and"
    )
    assert readable(f"alert “Host down” ({ID}) holds it", "UTC") == "alert “Host down” holds it"
    assert readable("held until 2026-05-13T12:01:00Z", "Europe/Vienna").endswith("14:01:00")
