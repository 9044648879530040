"""What is forecast is what happens: the same steps at the same times, and the same people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.oncall.climbing import (
    START,
    Run,
    World,
    destination,
    named,
    policy,
    schedule,
    step,
    user,
)
from tocsin.model import EscalationState, Severity, StepMode
from tocsin.oncall.forecast import Forecast, ForecastStep, forecast_steps
from tocsin.oncall.policy import OnDuty, StepPage
from tocsin.oncall.policy_shapes import Policy, StepCondition

ANA, BEN, OPS = named("ana"), named("ben"), named("ops")
TARGETS = (
    user("ana"),
    user("ben"),
    user("gone"),
    schedule("S"),
    schedule("empty"),
    destination("ops"),
)


def world(now: datetime = START, turns: Mapping[int, int] | None = None) -> World:
    """Ana is on call until a quarter past, then Ben; each can be paged."""
    begun = now - START
    on_call = ANA if begun < timedelta(minutes=15) else BEN
    return World(
        duty={named("S"): [OnDuty(on_call)]},
        contacts={ANA: [StepPage(named("push"))], BEN: [StepPage(named("sms"))]},
        severity=Severity.HIGH,
        now=now,
        next=dict(turns or {}),
    )


def foreseen(of: Policy, turns: Mapping[int, int] | None = None) -> Forecast:
    return Forecast.of(START, [*forecast_steps(of, world, START, turns or {})])


def test_a_forecast_has_the_times_and_the_people_of_then() -> None:
    forecast = foreseen(policy(step(schedule("S")), step(user("ben"), minutes=10), repeat=1))

    said = [
        ((each.at - START).total_seconds() / 60, [who.user_id for who in each.taken.reached])
        for each in forecast.steps
    ]
    assert said == [(0, [ANA]), (5, [BEN]), (15, [BEN]), (20, [BEN])]
    assert forecast.exhausted_at == START + timedelta(minutes=30)
    assert not forecast.reaches_nobody


def test_a_step_that_reaches_nobody_takes_no_time() -> None:
    forecast = foreseen(policy(step(schedule("empty")), step(user("ana"))))

    assert [(each.at, each.until) for each in forecast.steps] == [
        (START, None),
        (START, START + timedelta(minutes=5)),
    ]


def test_a_policy_that_reaches_nobody_is_over_at_once() -> None:
    forecast = foreseen(policy(step(schedule("empty")), step(user("gone")), repeat=2))

    assert forecast.reaches_nobody
    assert forecast.exhausted_at == START


def test_turns_go_on_from_where_they_are() -> None:
    one_at_a_time = step(user("ana"), user("ben"), mode=StepMode.ROUND_ROBIN)

    forecast = foreseen(policy(one_at_a_time, repeat=2), {0: 1})

    reached = [each.taken.reached[0].user_id for each in forecast.steps]
    assert reached == [BEN, ANA, BEN]


@given(
    steps=st.lists(
        st.builds(
            lambda targets, seconds, mode, severity: replace(
                step(*targets, mode=mode, condition=StepCondition(severity)), wait_seconds=seconds
            ),
            st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3, unique=True),
            st.integers(10, 600),
            st.sampled_from(StepMode),
            st.sampled_from([None, Severity.HIGH, Severity.CRITICAL]),
        ),
        min_size=1,
        max_size=4,
    ),
    repeat=st.integers(0, 3),
    turns=st.dictionaries(st.integers(0, 3), st.integers(0, 2)),
)
def test_what_is_forecast_is_what_happens(
    steps: list[object], repeat: int, turns: dict[int, int]
) -> None:
    of = policy(*steps, repeat=repeat)  # type: ignore[arg-type]
    run = Run(of, world(START, turns))
    happened: list[ForecastStep] = []
    seconds = 0.0
    while True:
        run.world = world(START + timedelta(seconds=seconds), run.world.next)
        decided = run.at(seconds)
        happened += [
            ForecastStep(run.world.now, None if taken.is_passed else run.progress.due_at, taken)
            for taken in decided.taken
        ]
        if decided.state is EscalationState.EXHAUSTED:
            break
        seconds += 1

    forecast = foreseen(of, turns)
    assert forecast.steps == happened
    assert forecast.exhausted_at == run.world.now
