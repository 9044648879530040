"""Alerts that come, grow worse, are taken on, end and come back; silences, windows, inhibition, quiet
hours, cooldowns and snoozes that begin, move and end; groups that gather; alerts that flap; leaders
that die; in any order. No alert is open, unheld and unnotified for longer than a look (or, in a group,
than its interval), and nobody is notified twice of one event."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tests.timers.plain_flapping import Flapping
from tests.timers.plain_groups import Groups
from tests.timers.plain_holds import (
    Cooldowns,
    Inhibitions,
    QuietHours,
    Silences,
    Snoozes,
    Windows,
)
from tests.timers.plain_reminders import Reminders
from tests.timers.plain_world import World

PHASES = [Phase.generate]
"""Add `Phase.shrink` to find the shortest story that fails: it takes minutes."""


class Holds(Silences, Windows, Inhibitions, QuietHours, Cooldowns, Snoozes):
    """All of them together. A new hold joins here."""


class Gathered(Groups, Silences, Cooldowns, Snoozes):
    """One place that gathers, and a few holds, so that much comes free into a group."""


class Everything(Groups, Silences, Windows, Inhibitions, QuietHours, Cooldowns, Snoozes):
    """All of them, and one place that gathers."""


class Restless(Silences, Snoozes, Groups, Flapping):
    """Alerts that keep coming and going."""


class Reminded(Reminders, Silences, QuietHours, Snoozes):
    """Who is notified again, and some of what holds that."""


class Unchanged(Inhibitions, Snoozes):
    """What needs no change of the configuration, upon which all that is held is looked at."""


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url, batch=2) as opened:
        yield opened


def agree(hub: Holding, machine: type[World], examples: int, steps: int) -> None:
    machine.hub = hub
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )


@pytest.mark.timeout(400)
def test_the_model_agrees(hub: Holding) -> None:
    agree(hub, Holds, 20, 30)


@pytest.mark.timeout(400)
def test_it_does_where_nobody_changes_the_configuration(hub: Holding) -> None:
    agree(hub, Unchanged, 20, 30)


@pytest.mark.timeout(400)
def test_it_does_where_one_place_gathers(hub: Holding) -> None:
    agree(hub, Gathered, 20, 30)


@pytest.mark.timeout(400)
def test_in_the_end_all_know_of_what_keeps_coming_and_going(hub: Holding) -> None:
    agree(hub, Restless, 20, 30)


@pytest.mark.timeout(400)
def test_it_does_where_somebody_is_reminded(hub: Holding) -> None:
    agree(hub, Reminded, 20, 30)


MINUTE = 60.0
PORTION = 3
"""Stories between two looks at the clock."""


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("machine", [Everything, Gathered, Restless, Reminded, Unchanged])
def test_the_model_agrees_for_long(hub: Holding, machine: type[World]) -> None:
    """For a minute: as many stories as this machine tells in it, each run the same ones first."""
    machine.hub = hub
    until = time.monotonic() + MINUTE
    for portion in count():
        if time.monotonic() > until:
            break
        run_state_machine_as_test(
            seed(portion)(machine),
            settings=settings(
                max_examples=PORTION,
                stateful_step_count=50,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=PHASES,
            ),
        )
