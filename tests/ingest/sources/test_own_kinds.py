"""Words of state that an integration lists itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context
from tocsin.ingest.sources.registry import SOURCES

KINDS = {
    "Behoben": "resolve",
    "in_Arbeit": "acknowledge",
    "Wartung": "ignore",
    "geändert": "update",
    "closed": "trigger",
}
SAID = (
    ("behoben", "resolve"),
    ("IN ARBEIT", "acknowledge"),
    ("wartung", None),
    ("Closed", "trigger"),
    ("resolved", "resolve"),
)
"""A word, and the kind that it asks for; the last is of the built-in table."""


def _generic(word: str) -> Any:
    return {"title": "Disk full", "id": "d-1", "status": word}


def _standard_webhooks(word: str) -> Any:
    return {"type": "alert.changed", "data": _generic(word)}


def _splunk(word: str) -> Any:
    return {"search_name": "Disk full", "result": {"tocsin_status": word, "tocsin_id": "d-1"}}


def _email(word: str) -> Any:
    return {"sender": "a@b.example", "subject": f"[{word}] Disk full", "text": "95 %"}


def _email_tail(word: str) -> Any:
    return {"sender": "a@b.example", "subject": f"Disk full - {word}", "text": "95 %"}


@pytest.mark.parametrize(
    ("type_", "make"),
    [
        ("generic", _generic),
        ("standard_webhooks", _standard_webhooks),
        ("splunk", _splunk),
        ("email", _email),
        ("email", _email_tail),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
@pytest.mark.parametrize(("word", "kind"), SAID)
def test_a_word_asks_for_what_is_listed(type_: str, make: Any, word: str, kind: str | None) -> None:
    given = context(kinds=KINDS)
    signals = SOURCES[type_].parse(make(word), given)
    assert [signal.kind.value for signal in signals] == ([] if kind is None else [kind])
    for signal in signals:
        assert "unknown_status" not in signal.flags
    if kind is None:
        assert SOURCES[type_].ignored_reason(make(word), given)


def test_the_table_of_the_tests_names_every_source_that_takes_some() -> None:
    takes = {name for name, source in SOURCES.items() if source.takes_kinds}
    assert takes == {"generic", "standard_webhooks", "splunk", "email"}


def test_those_of_the_mapping_come_first() -> None:
    mapping = {"title": "what", "kind": "state", "kinds": {"behoben": "acknowledge"}}
    given = context(kinds=KINDS, mapping=mapping)
    (first,) = SOURCES["generic"].parse({"what": "x", "id": 1, "state": "behoben"}, given)
    (second,) = SOURCES["generic"].parse({"what": "x", "id": 1, "state": "in Arbeit"}, given)
    assert (first.kind.value, second.kind.value) == ("acknowledge", "acknowledge")
    assert SOURCES["generic"].parse({"what": "x", "id": 1, "state": "Wartung"}, given) == []


def test_an_event_of_standard_webhooks_may_end_in_one() -> None:
    payload = {"type": "alert.behoben", "data": {"title": "x", "id": "1"}}
    (signal,) = SOURCES["standard_webhooks"].parse(payload, context(kinds=KINDS))
    assert signal.kind.value == "resolve"


def test_mails_about_one_alert_still_know_each_other() -> None:
    given = context(kinds=KINDS)
    (problem,) = SOURCES["email"].parse(_email("Problem"), given)
    (ended,) = SOURCES["email"].parse(_email("Behoben"), given)
    assert ended.external_id == problem.external_id
    answer = {
        **_email("Problem"),
        "subject": "Re: [Problem] Disk full",
        "in_reply_to": "<1@b>",
        "text": "behoben!",
    }
    (answered,) = SOURCES["email"].parse(answer, given)
    assert (answered.kind.value, answered.external_id) == ("resolve", problem.external_id)
