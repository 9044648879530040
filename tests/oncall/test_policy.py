"""What an escalation does, minute by minute, with a set clock."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oncall.climbing import (
    START,
    Run,
    World,
    destination,
    named,
    paged,
    policy,
    schedule,
    step,
    user,
)
from tocsin.model import AlertStatus, EscalationState, Severity, SkipReason, StepMode, StopReason
from tocsin.oncall.policy import Decision, Hold, OnDuty, StepPage
from tocsin.oncall.policy_shapes import StepCondition

PUSH, SMS, CALL = named("push of U"), named("sms of U"), named("call of U")
OF_M = named("push of M")
U, M = named("U"), named("M")


def world(**changes: object) -> World:
    """U is on call at S, with a chain of three; M is there, too."""
    made = World(
        duty={named("S"): [OnDuty(U, cause="layer 1")]},
        contacts={
            U: [
                StepPage(PUSH),
                StepPage(SMS, timedelta(minutes=3)),
                StepPage(CALL, timedelta(minutes=6)),
            ],
            M: [StepPage(OF_M)],
        },
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def two_steps(**changes: object) -> Run:
    return Run(
        policy(step(schedule("S"), minutes=5), step(user("M"), minutes=10), repeat=1),
        world(**changes),
    )


def skips(decided: Decision) -> list[SkipReason | None]:
    return [taken.skipped[0].reason if taken.skipped else None for taken in decided.taken]


def test_the_worked_timeline() -> None:
    run = two_steps()
    first = run.at(0)
    assert paged(first) == [(PUSH, 0), (SMS, 180), (CALL, 360)]
    assert (run.progress.step, run.progress.loop, run.due) == (0, 0, 300)
    assert run.at(180).taken == ()
    second = run.at(300)
    assert paged(second) == [(OF_M, 0)]
    assert run.due == 900
    run.status = AlertStatus.ACKNOWLEDGED
    stopped = run.at(390)
    assert stopped.stopped is StopReason.ACKNOWLEDGED
    assert run.progress.state is EscalationState.STOPPED


def test_nobody_acknowledges_it_repeats_and_is_exhausted() -> None:
    run = two_steps()
    run.at(0)
    run.at(300)
    again = run.at(900)
    assert [(each.loop, each.step) for each in again.taken] == [(1, 0)]
    assert paged(again) == [(PUSH, 0), (SMS, 180), (CALL, 360)], "each loop pages them anew"
    assert paged(run.at(1200)) == [(OF_M, 0)]
    assert run.at(1799).state is EscalationState.RUNNING
    assert run.at(1800).state is EscalationState.EXHAUSTED
    assert run.progress.due_at is None


def test_a_schedule_without_anybody_is_passed_at_once() -> None:
    run = two_steps(duty={named("S"): []})
    decided = run.at(0)
    assert skips(decided) == [SkipReason.NOBODY_ON_CALL, None]
    assert paged(decided) == [(OF_M, 0)]
    assert run.due == 600


def test_a_person_without_a_contact_is_passed_at_once() -> None:
    run = two_steps(contacts={U: [], M: [StepPage(OF_M)]})
    decided = run.at(0)
    assert skips(decided) == [SkipReason.NO_CONTACT, None]
    assert paged(decided) == [(OF_M, 0)]


def test_who_left_the_workspace_is_passed_at_once() -> None:
    run = two_steps(contacts={M: [StepPage(OF_M)]})
    assert skips(run.at(0)) == [SkipReason.NO_CONTACT, None]


def test_a_hold_in_between_leaves_what_was_left_of_the_wait() -> None:
    run = two_steps()
    run.at(0)
    began, ends = START + timedelta(minutes=2), START + timedelta(minutes=22)
    run.held = Hold("maintenance", ends, began)
    held = run.at(180)  # nobody noticed before something was due
    assert held.state is EscalationState.HELD
    assert run.progress.held_since == began
    run.held = None
    resumed = run.at(22 * 60)
    assert resumed.resumed
    assert resumed.taken == ()
    assert run.due == (22 + 3) * 60, "three minutes were left"
    assert paged(run.at(25 * 60)) == [(OF_M, 0)]


def test_a_hold_that_was_there_first_only_moves_the_beginning() -> None:
    run = two_steps()
    run.held = Hold("silence", START + timedelta(minutes=10))
    assert run.at(0).taken == ()
    run.held = None
    assert paged(run.at(600))[0] == (PUSH, 0)
    assert run.due == 900


def test_another_hold_takes_over_and_time_stands_still_all_the_while() -> None:
    run = two_steps()
    run.at(0)
    run.held = Hold("silence", START + timedelta(minutes=10))
    run.at(60)
    run.held = Hold("maintenance", START + timedelta(minutes=30), START + timedelta(minutes=9))
    run.at(600)
    run.held = None
    run.at(1800)
    assert run.due == 1800 + 240


def test_the_shift_changes_and_the_step_keeps_its_person() -> None:
    run = two_steps()
    run.at(0)
    run.world.duty = {named("S"): [OnDuty(M)]}
    assert run.at(299).taken == ()
    assert paged(run.at(300)) == [(OF_M, 0)]
    again = run.at(900)
    assert again.taken[0].reached[0].user_id == M, "the next loop asks who is on call then"


def test_a_person_reached_by_two_steps_gets_one_page_and_the_step_is_waited_for() -> None:
    run = Run(policy(step(user("U")), step(schedule("S"), minutes=7)), world())
    run.at(0)
    second = run.at(300)
    assert paged(second) == []
    assert [each.user_id for each in second.taken[0].reached] == [U]
    assert run.due == 300 + 420


def test_one_step_that_names_a_person_twice_pages_them_once() -> None:
    run = Run(policy(step(user("U"), schedule("S"))), world())
    assert [at for at, _ in paged(run.at(0))] == [PUSH, SMS, CALL]


def test_a_condition_that_does_not_hold_passes_the_step() -> None:
    only_critical = StepCondition(min_severity=Severity.CRITICAL)
    run = Run(policy(step(user("U"), condition=only_critical), step(user("M"))), world())
    run.world.severity = Severity.HIGH
    decided = run.at(0)
    assert skips(decided) == [SkipReason.CONDITION, None]


def test_nobody_can_be_reached_at_all() -> None:
    run = two_steps(duty={named("S"): []}, contacts={M: []})
    decided = run.at(0)
    assert decided.state is EscalationState.EXHAUSTED
    assert len(decided.taken) == 4, "both steps, both loops"
    assert not paged(decided)


def test_turns_go_round_and_pass_over_who_cannot_be_reached() -> None:
    names = ["A", "B", "C"]
    people = {named(name): [StepPage(named(f"of {name}"))] for name in names}
    people[named("B")] = []
    in_turn = policy(step(*(user(name) for name in names), mode=StepMode.ROUND_ROBIN))
    taken = World(contacts=people)
    order = [paged(Run(in_turn, taken).at(0))[0][0] for _ in range(4)]
    assert order == [named("of A"), named("of C"), named("of A"), named("of C")]


def test_somebody_wants_the_next_step_at_once() -> None:
    run = two_steps()
    run.at(0)
    assert paged(run.at(30, forced=True)) == [(OF_M, 0)]
    assert run.due == 30 + 600


def test_a_disabled_destination_reaches_nobody() -> None:
    off = frozenset([named("hook")])
    run = Run(policy(step(destination("hook")), step(user("M"))), world(refused=off))
    assert paged(run.at(0)) == [(OF_M, 0)]


@pytest.mark.parametrize("status", [AlertStatus.RESOLVED, AlertStatus.CLOSED])
def test_what_is_over_is_stopped_even_while_it_is_held(status: AlertStatus) -> None:
    run = two_steps()
    run.held = Hold("silence")
    run.at(0)
    run.status = status
    assert run.at(10).state is EscalationState.STOPPED


# Properties

reachable = st.lists(st.booleans(), min_size=1, max_size=4)
looks = st.lists(st.integers(1, 1_500), min_size=1, max_size=40)


@given(reachable, st.integers(0, 3), looks, st.data())
def test_no_step_is_lost_none_is_taken_twice_and_holds_only_delay(
    reaches: list[bool], repeat: int, looks: list[int], data: st.DataObject
) -> None:
    """However often and late it is looked at, and whatever holds it in between: every step of every
    loop is taken once and in order, never before its time, and in the end it is exhausted."""
    people = {
        named(str(place)): [StepPage(named(f"of {place}"))] if there else []
        for place, there in enumerate(reaches)
    }
    steps = [step(user(str(place)), minutes=5) for place in range(len(reaches))]
    run = Run(policy(*steps, repeat=repeat), World(contacts=people))
    seconds = 0.0
    taken: list[tuple[int, int]] = []
    times: list[float] = []
    held_for = 0.0
    for gap in [0, *looks]:
        if run.progress.state not in (EscalationState.RUNNING, EscalationState.HELD):
            break
        before = run.progress.state
        if before is EscalationState.HELD:
            held_for += gap
        seconds += gap
        run.held = Hold("silence") if data.draw(st.integers(0, 4)) == 0 else None
        decided = run.at(seconds)
        if run.held is not None:
            assert decided.taken == ()
            assert decided.state is EscalationState.HELD
            continue
        for each in decided.taken:
            taken.append((each.loop, each.step))
            if not each.is_passed:
                times.append(seconds - held_for)
    order = [(loop, place) for loop in range(repeat + 1) for place in range(len(reaches))]
    assert taken == order[: len(taken)]
    assert all(later - earlier >= 300 for earlier, later in pairwise(times))
    if run.progress.state is EscalationState.EXHAUSTED:
        assert taken == order
