"""Whom an escalation reaches next, in the words of a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.oncall.climbing import START, destination, named, policy, step, user
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.explain.who_is_next import next_words
from tocsin.model import Severity
from tocsin.oncall.contacts import ContactMethod, Person
from tocsin.oncall.policy_shapes import PolicyStep, StepCondition
from tocsin.routing.rules import DestinationRef, RoutingTable
from tocsin.routing.subject import Subject
from tocsin.store.queries.alert_list import ListedEscalation

NOWHERE = UUID(int=0)
METHODS = {"Ana": "voice", "Ben": "sms", "Cem": "email"}
PEOPLE = {
    named(name): Person(
        named(name),
        name,
        contact_methods=(ContactMethod(named(f"{kind} of {name}"), kind, kind, is_verified=True),),
    )
    for name, kind in METHODS.items()
} | {named("Nora"): Person(named("Nora"), "Nora")}
TABLE = RoutingTable(
    NOWHERE,
    destinations={
        named(name): DestinationRef(named(name), name, kind, is_enabled=True)
        for name, kind in (
            *((f"{kind} of {name}", kind) for name, kind in METHODS.items()),
            ("#ops", "slack"),
        )
    },
)
CRITICAL_ONLY = StepCondition(min_severity=Severity.CRITICAL)


def words(*steps: PolicyStep, table: RoutingTable = TABLE, paged: tuple[str, ...] = ()) -> str:
    """Of an alert of severity HIGH, at the first step of these after one for Cem."""
    whole = policy(step(user("Cem")), *steps)
    people = tuple(str(named(name)) for name in paged)
    escalation = ListedEscalation(NOWHERE, whole.id, 1, 0, 0, people, START + timedelta(minutes=5))
    subject = Subject(NOWHERE, NOWHERE, None, "disk", Severity.HIGH, "probe", "generic", {})
    return next_words(escalation, whole, subject, OnCallBook(people=PEOPLE), table, {}, {})


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((step(user("Ana")),), "Ana by phone"),
        ((step(user("Ben")),), "Ben by SMS"),
        ((step(user("Ana"), user("Ben")),), "Ana and 1 more"),
        ((step(destination("#ops")),), "#ops"),
        ((step(user("Nora")), step(user("Ben"))), "Ben by SMS"),
        ((step(user("Ana"), condition=CRITICAL_ONLY), step(user("Ben"))), "Ben by SMS"),
        ((), ""),
        ((step(user("Nora")),), ""),
    ],
)
def test_by_name_and_how(steps: tuple[PolicyStep, ...], said: str) -> None:
    assert words(*steps) == said


def test_whose_pages_go_on_is_named_without_a_way() -> None:
    assert words(step(user("Ana")), paged=("Ana",)) == "Ana"


def test_in_the_end_it_is_the_last_resort() -> None:
    assert words(table=replace(TABLE, fallback_destination_id=named("#ops"))) == "#ops"
