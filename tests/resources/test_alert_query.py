"""The query bar: what a person types is what is asked for, and what cannot be read is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.resources.alert_query import read_query, split, without

NOW = datetime(2026, 3, 25, 3, 12, tzinfo=UTC)


def read(text: str) -> AlertFilter:
    return read_query(text, NOW)


def test_all_of_it_at_once() -> None:
    found = read('severity:critical,high status:open host=~db.* age<2h -tag:test "no space"')
    assert not found.faults
    assert found.severities == {Severity.CRITICAL, Severity.HIGH}
    assert found.statuses == {AlertStatus.OPEN}
    assert found.since == NOW - timedelta(hours=2)
    assert found.words == ("no space",)
    assert found.conditions == (
        TextCondition("host", Comparison.MATCHES, ("db.*",), is_label=True),
        TextCondition("tag", Comparison.IS, ("test",), negated=True, is_label=True),
    )


@pytest.mark.parametrize(
    ("text", "severities"),
    [
        ("severity>=high", {Severity.CRITICAL, Severity.HIGH}),
        ("severity<medium", {Severity.LOW, Severity.INFO}),
        ("severity:c", {Severity.CRITICAL}),
        ("-severity:info,low", {Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM}),
        ("severity!=critical severity:critical,low", {Severity.LOW}),
    ],
)
def test_severities(text: str, severities: set[Severity]) -> None:
    assert read(text).severities == severities


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("age<90m", NOW - timedelta(minutes=90), None),
        ("age>7d", None, NOW - timedelta(days=7)),
        ("-age<1w", None, NOW - timedelta(weeks=1)),
    ],
)
def test_ages(text: str, since: datetime | None, until: datetime | None) -> None:
    found = read(text)
    assert (found.since, found.until) == (since, until)


@pytest.mark.parametrize(
    "text",
    [
        "severity:awful",
        "status:broken",
        "age<soon",
        "count<3",
        "host=~(",
        "host:",
        "held:perhaps",
        "title>3",
        "status:open status:closed",
        "x" * 1_001,
    ],
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    assert read(text).faults


def test_live_is_both() -> None:
    assert read("status:live") == read("status:open,acknowledged")


def test_its_own_fields_are_not_labels() -> None:
    (condition,) = read("source:grafana*").conditions
    assert not condition.is_label
    (label,) = read("service:pay,shop").conditions
    assert label.is_label
    assert label.values == ("pay", "shop")


def test_a_facet_replaces_its_own_condition_and_keeps_the_rest() -> None:
    assert without('status:open severity:high "two words" -severity:low', "severity") == (
        'status:open "two words"'
    )


def test_an_open_quotation_mark_is_no_fault_while_one_types() -> None:
    assert split('title:"disk fu') == ["title:", "disk", "fu"]


@given(st.text(max_size=300))
def test_whatever_is_typed_there_is_an_answer(text: str) -> None:
    found = read(text)
    assert isinstance(found, AlertFilter)
    assert isinstance(without(text, "status"), str)
