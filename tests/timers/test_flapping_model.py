"""Whatever comes and goes in whatever order: in the end the destination knows how the alert stands."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Json

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tests.timers.test_flapping import DEFAULT

LONGEST = 5 * 60
"""Minutes after which nothing flaps any more."""

steps = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from(["HIGH", "HIGH", "HIGH", "LOW", "CRITICAL"])),
        st.tuples(st.just("change"), st.just("HIGH")),
        st.tuples(st.just("wait"), st.sampled_from([1, 2, 5, 12, 31])),
        st.tuples(st.just("repeat"), st.sampled_from(["HIGH", "CRITICAL"])),
        st.tuples(st.just("silence"), st.sampled_from([3, 45])),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("deliver"), st.just(0)),
    ),
    min_size=4,
    max_size=16,
)
keys = count()


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url) as opened:
        opened.sql("UPDATE integrations SET flapping = %s", Json(DEFAULT))
        opened.base.run(opened.base.feed.look())
        opened.rule()
        yield opened


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_in_the_end_the_destination_knows(hub: Holding, steps: list[tuple[str, Any]]) -> None:
    key, opened, is_up = f"key-{next(keys)}", 0, False
    alerts = set()
    for step, value in steps:
        if step == "change":
            hub.base.advance(1)
            is_up = not is_up
            opened += is_up
            alerts.add(hub.send(key, "firing" if is_up else "resolved", severity=value))
        elif step == "repeat" and is_up:
            hub.send(key, severity=value)
        elif step == "wait":
            hub.after(value * 60)
        elif step == "silence":
            hub.silence(value * 60)
        elif step == "restart":
            hub.restart()
        elif step == "deliver":
            hub.deliver()
    for _ in range(LONGEST // 31 + 1):
        hub.after(31 * 60)
        hub.deliver()
    rows = [row for alert in sorted(alerts) for row in hub.rows(alert)]
    assert {row["status"] for row in rows} <= {"sent", "canceled", "suppressed"}
    sent = [row for row in rows if row["status"] == "sent"]
    triggers = [row for row in sent if row["event_type"] == "alerts.triggered"]
    assert len(triggers) <= opened + sum(step == "repeat" for step, _ in steps)
    # Each destination was told how the newest alert stands, if it was told of it at all.
    newest = [row for row in sent if row["alert_id"] == max(alerts, default=None)]
    status = hub.sql("SELECT status::text FROM alerts WHERE id = ANY (%s)", list(alerts))
    assert sum(found == ("OPEN",) for found in status) == is_up
    if is_up:
        assert newest, "it is open, and nobody was told"
    if newest:
        last = newest[-1]
        says = last["payload"]["alert"]["status"]
        assert last["event_type"] != "alerts.flapping"
        assert says == ("OPEN" if is_up else "RESOLVED")
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]
