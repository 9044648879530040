"""The form of a rule: all that the API takes, there and back."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.console.notifying.rule_form import (
    document_of,
    read_fields,
    rearrange,
    section_words,
    usual_values,
    values_of,
)
from tocsin.model import EventType, Severity
from tocsin.resources.rules import AlertRuleIn

DESTINATION = "01890a5d-ac96-774b-bcce-b302099a8057"
TENANT = "01890a5d-ac96-774b-bcce-b302099a8058"
POLICY = "01890a5d-ac96-774b-bcce-b302099a8059"
WHOLE: dict[str, Any] = {
    "name": "All of it",
    "is_enabled": False,
    "event_types": ["alerts.triggered", "alerts.closed"],
    "min_severity": "HIGH",
    "tenant_ids": [TENANT],
    "matchers": [{"label": "host", "op": "=~", "value": " db-.* "}],
    "unless": [
        [{"label": "environment", "op": "=", "value": "test"}],
        [
            {"label": "team", "op": "=", "value": "web"},
            {"label": "severity", "op": "=", "value": "LOW"},
        ],
    ],
    "destination_ids": [DESTINATION],
    "cooldown_seconds": 90,
    "cooldown_breakthrough_severity": "CRITICAL",
    "quiet_hours": [
        {
            "days": ["mon", "fri"],
            "start": "22:00",
            "end": "06:30",
            "timezone": "Europe/Vienna",
            "months": [1, 2, 3, 12],
            "days_of_month": [-1, 1, 2, 3],
            "breakthrough_severity": "HIGH",
        },
        {
            "days": ["sat", "sun"],
            "start": "00:00",
            "end": "00:00",
            "timezone": "UTC",
            "months": None,
            "days_of_month": None,
            "breakthrough_severity": None,
        },
    ],
    "remind_every_seconds": 14_400,
    "group_by": ["cluster", "my label"],
    "group_wait_seconds": 45,
    "group_interval_seconds": 601,
    "group_linger_seconds": 0,
    "escalation_policy_id": POLICY,
    "position": -3,
}


def columns(document: dict[str, Any]) -> dict[str, Any]:
    """As the row of a rule has them."""
    severities = ("min_severity", "cooldown_breakthrough_severity")
    enums = {name: Severity(document[name]) for name in severities if document[name]}
    return {**document, **enums}


def sent(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What a browser sends of these."""
    fields: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, str):
            fields.append((name, value))
            continue
        for place, each in enumerate(value):
            if isinstance(each, str):
                fields.append((name, each))
            else:
                fields += [
                    (f"{name}-{place}-{key}", text) for key, texts in each.items() for text in texts
                ]
    return fields


def test_every_member_of_the_api_is_set_by_the_form() -> None:
    document, faults = document_of({**usual_values(), "name": "x"})
    assert not faults
    assert set(document) == set(AlertRuleIn.model_fields)


def test_what_is_stored_is_what_is_saved_again() -> None:
    values = values_of(columns(WHOLE))
    document, faults = document_of(read_fields(sent(values), "save"))
    assert not faults
    assert document == WHOLE
    AlertRuleIn.model_validate(document)


def test_a_new_rule_begins_as_the_api_has_it() -> None:
    document, _ = document_of({**usual_values(), "name": "x"})
    usual = AlertRuleIn.model_validate(
        {
            "name": "x",
            "event_types": [EventType.TRIGGERED, EventType.RESOLVED],
            "destination_ids": [],
        }
    )
    assert AlertRuleIn.model_validate(document) == usual


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("matchers", "nonsense", "no matcher"),
        ("cooldown_seconds", "soon", "Write how long"),
        ("cooldown_seconds", "31 d", "From 0 s to 30 d."),
        ("remind_every_seconds", "30 s", "From 1 min to 30 d."),
        ("group_wait_seconds", "1 h", "From 0 s to 15 min."),
        ("group_interval_seconds", "0", "From 1 s to 1 d."),
        ("position", "first", "whole number"),
        ("unless-0-matchers", "nonsense", "no matcher"),
        ("quiet_hours-0-start", "noon", "A time of day"),
        ("quiet_hours-0-months", "13", "“13” is no month"),
        ("quiet_hours-0-months", "mar-jan", "“mar-jan” is no month"),
        ("quiet_hours-0-days_of_month", "0", "“0” is no day"),
        ("quiet_hours-0-days_of_month", "32", "“32” is no day"),
    ],
)
def test_what_cannot_be_read_is_said_at_the_field(field: str, value: str, words: str) -> None:
    fields = [each for each in sent(values_of(columns(WHOLE))) if each[0] != field]
    _, faults = document_of(read_fields([*fields, (field, value)], "save"))
    assert list(faults) == [field]
    assert words in faults[field]


def test_a_rule_for_no_event_or_quiet_on_no_day() -> None:
    left = ("event_types", "quiet_hours-0-days")
    fields = [each for each in sent(values_of(columns(WHOLE))) if each[0] not in left]
    _, faults = document_of(read_fields(fields, "save"))
    assert set(faults) == set(left)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("jan-mar, dec", [1, 2, 3, 12]), ("1, 3", [1, 3]), ("December", [12]), ("", None)],
)
def test_months_by_name_and_number(text: str, numbers: list[int] | None) -> None:
    fields = [each for each in sent(values_of(columns(WHOLE))) if each[0] != "quiet_hours-0-months"]
    document, faults = document_of(read_fields([*fields, ("quiet_hours-0-months", text)], "save"))
    assert not faults
    assert document["quiet_hours"][0]["months"] == numbers


def test_parts_are_put_in_and_taken_out() -> None:
    values = values_of(columns(WHOLE))
    more = rearrange(values, "unless:add", "UTC")
    assert more is not None
    assert len(more["unless"]) == 3
    assert len(read_fields(sent(more), "unless:add")["unless"]) == 3
    assert len(read_fields(sent(more), "save")["unless"]) == 2, "an empty one says nothing"
    fewer = rearrange(values, "quiet_hours:remove-0", "UTC")
    assert fewer is not None
    assert [each["start"] for each in fewer["quiet_hours"]] == [["00:00"]]
    added = rearrange(values, "quiet_hours:add", "Europe/Vienna")
    assert added is not None
    assert added["quiet_hours"][2]["timezone"] == ["Europe/Vienna"]
    assert rearrange(values, "save", "UTC") is None
    unknown = rearrange(values, "unless:remove-9", "UTC")
    assert unknown is not None
    assert unknown["unless"] == values["unless"]


def test_folded_sections_say_what_they_say() -> None:
    assert set(section_words(usual_values()).values()) == {""}
    assert section_words(values_of(columns(WHOLE))) == {
        "unless": "2 exceptions",
        "tenants": "1 tenant",
        "group": "by cluster, my label",
        "often": "once in 1 min 30 s, again every 4 h",
        "quiet_hours": "mon,fri 22:00-06:30; sat,sun 00:00-00:00",
        "place": "switched off, place -3",
    }
