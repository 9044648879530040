"""Triggers, repeats, acknowledges, resolves, retries, late arrivals, people and passing time, in any
order and in any batches, through the real commit path; a plain model stands beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.ingest.harness import NOON, Harness, Posted, harness
from tests.ingest.plain_model import Alert, Model, Sent
from tests.support.postgres import Database
from tocsin.alerts.actions import Acted, ActionNotAllowed, OpenAlertExists
from tocsin.ingest import foresight
from tocsin.ingest.foresight import TRUST
from tocsin.ingest.received_webhook import Accepted, Answer
from tocsin.model import Action

STATUS = {"trigger": "firing", "acknowledge": "acknowledged", "resolve": "resolved"}

sent = st.builds(
    Sent,
    kind=st.sampled_from(["trigger", "trigger", "acknowledge", "resolve"]),
    external_id=st.sampled_from(["a", "a", "b", None]),
    # The sender's clock: late, early, on time, or not given; in minutes, and never a whole day.
    at=st.one_of(st.none(), st.integers(0, 40).map(lambda minute: minute * 60)),
    severity=st.sampled_from([None, "INFO", "HIGH", "CRITICAL"]),
    words=st.sampled_from(["x", "y"]),
    key=st.sampled_from([None, None, "k1", "k2"]),
)


def seconds(at: datetime | None) -> int | None:
    return None if at is None else round((at - NOON).total_seconds())


class Ingest(RuleBasedStateMachine):
    harness: ClassVar[Harness]

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.harness.now = NOON
        self.sender = self.harness.workspace.sender()
        self.ids: dict[UUID, Alert] = {}
        self.flagged = 0

    @rule(batch=st.lists(sent, min_size=1, max_size=4))
    def receive(self, batch: list[Sent]) -> None:
        answers = self.harness.post(self.sender, *(self._posted(each) for each in batch))
        expected = self.model.receive(batch)
        for answer, (outcome, alert, reused) in zip(answers, expected, strict=True):
            self._compare(answer, outcome, alert)
            self.flagged += reused

    @rule(data=st.data(), times=st.integers(1, 2))
    def retry(self, data: st.DataObject, times: int) -> None:
        """What has been accepted is sent again, to the letter."""
        if self.model.contents:
            chosen = data.draw(st.sampled_from(list(self.model.contents)))
            self.receive([chosen] * times)

    @rule(passed=st.sampled_from([1, 30, 61, 300, 900, 1_000]))
    def wait(self, passed: int) -> None:
        self.model.now += passed
        self.harness.advance(passed)

    @rule(data=st.data(), action=st.sampled_from(["acknowledge", "resolve", "close", "reopen"]))
    def act(self, data: st.DataObject, action: str) -> None:
        if not self.ids:
            return
        alert_id = data.draw(st.sampled_from(list(self.ids)))
        outcome = self.harness.act(alert_id, Action(action))
        expected = self.model.act(self.ids[alert_id], action)
        kinds = {"done": Acted, "not allowed": ActionNotAllowed, "newer one open": OpenAlertExists}
        assert isinstance(outcome, kinds[expected]), (outcome, expected)

    @invariant()
    def the_database_says_the_same(self) -> None:
        rows = self.harness.workspace.alerts(self.sender)
        assert {row["id"] for row in rows} == set(self.ids)
        assert len(self.ids) == len(self.model.alerts())
        for row in rows:
            alert = self.ids[row["id"]]
            assert alert == Alert(
                status=row["status"],
                severity=row["severity"],
                triggered=seconds(row["triggered_at"]) or 0,
                newest=seconds(row["last_signal_at"]) or 0,
                words=row["description"],
                count=row["occurrence_count"],
                acknowledged=seconds(row["acknowledged_at"]),
                resolved=seconds(row["resolved_at"]),
                closed=seconds(row["closed_at"]),
            )

    def _posted(self, each: Sent) -> Posted:
        payload: dict[str, Any] = {
            "title": "Disk full",
            "status": STATUS[each.kind],
            "description": each.words,
        }
        if each.external_id is not None:
            payload["external_id"] = each.external_id
        if each.severity is not None:
            payload["severity"] = each.severity
        if each.at is not None:
            payload["timestamp"] = (NOON + timedelta(seconds=each.at)).isoformat()
        return Posted(payload, each.key)

    def _compare(self, answer: Answer, outcome: str, alert: Alert | None) -> None:
        assert isinstance(answer, Accepted)
        assert answer.status == outcome
        if alert is None:
            assert answer.alerts == ()
            return
        assert answer.alert_id is not None
        named = UUID(bytes=answer.alert_id)
        if outcome == "created":
            assert named not in self.ids
            self.ids[named] = alert
        assert self.ids[named] is alert

    def teardown(self) -> None:
        if hasattr(self, "sender"):
            flags = [row["flags"] for row in self.harness.workspace.deliveries(self.sender)]
            assert sum("idempotency_key_reused" in each for each in flags) == self.flagged


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


@pytest.mark.parametrize(
    "examples",
    [20, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(3_000)])],
    ids=["quick", "long"],
)
@pytest.mark.parametrize("trust", [TRUST, 0], ids=["asked first", "decided ahead"])
def test_the_model_agrees(
    opened: Harness, examples: int, trust: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foresight, "TRUST", trust)
    machine = type("Ingest", (Ingest,), {"harness": opened})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # Making a failure small takes minutes: that is for the long run.
            phases=[phase for phase in Phase if phase is not Phase.shrink or examples > 100],
        ),
    )
