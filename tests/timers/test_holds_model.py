"""Alerts that come, grow worse, are taken on, end and come back; silences, quiet hours, cooldowns and
snoozes that begin, move and end; leaders that die; in any order. No alert is open, unheld and unnotified
for longer than a look, and nobody is notified twice of one event."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tests.timers.plain_holds import Cooldowns, QuietHours, Silences, Snoozes


class Holds(Silences, QuietHours, Cooldowns, Snoozes):
    """All of them together. A new hold joins here."""


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url, batch=2) as opened:
        yield opened


def agree(hub: Holding, examples: int, steps: int) -> None:
    Holds.hub = hub
    run_state_machine_as_test(
        Holds,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )


@pytest.mark.timeout(400)
def test_the_model_agrees(hub: Holding) -> None:
    agree(hub, 25, 30)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_the_model_agrees_for_long(hub: Holding) -> None:
    agree(hub, 300, 60)
