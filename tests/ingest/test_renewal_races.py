"""Two nodes, whose clocks differ, hear of the same alerts at the same time."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace

from tests.ingest.harness import Harness, harness
from tests.ingest.test_known_alerts import Post, Said, post
from tests.support.postgres import Database
from tocsin.ingest.received_webhook import Accepted, Answer
from tocsin.model import Action, WebhookStatus

ROUNDS = 40
OCCURS = (WebhookStatus.CREATED, WebhookStatus.UPDATED)


def test_no_repeat_is_lost_or_counted_twice(database: Database) -> None:
    answers: list[Answer] = []
    ended: list[str] = []

    def work(node: Harness, origin: int, skew: float) -> None:
        dice = random.Random(origin)
        node.advance(skew)
        for _ in range(ROUNDS):
            node.advance(dice.choice([0, 0, 1, 30]))
            alerts = [Said(name) for name in dice.sample("abcd", dice.randint(1, 4))]
            match dice.randrange(6):
                case 0:
                    alerts[0] = replace(alerts[0], ends=-1)
                case 1:
                    alerts[0] = replace(alerts[0], severity="warning")
                case 2:
                    alerts[0] = replace(alerts[0], words="y")
            if dice.random() < 0.1:
                *_, newest = node.workspace.alerts(sender)
                node.act(newest["id"], dice.choice([Action.ACKNOWLEDGE, Action.SNOOZE]), node.now)
            answers.extend(post(node, sender, Post(tuple(alerts), origin)))
        ended.append("whole")

    with harness(database.url) as one, harness(database.url) as other:
        sender = one.workspace.sender("prometheus")
        threads = [
            threading.Thread(target=work, args=(one, 0, 0.0)),
            threading.Thread(target=work, args=(other, 1, -20.0)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        alerts = one.workspace.alerts(sender)
        leased = one.workspace.sql("SELECT DISTINCT alert_id FROM alert_leases")
        triggered = one.workspace.sql(
            "SELECT alert_id, count(*) FROM alert_events WHERE kind = 'triggered' GROUP BY alert_id"
        )

    assert ended == ["whole"] * 2
    counted: Counter[bytes] = Counter()
    for answer in answers:
        assert isinstance(answer, Accepted)
        counted.update(alert_id for alert_id, status in answer.alerts if status in OCCURS)
    assert {row["id"].bytes: row["occurrence_count"] for row in alerts} == counted
    assert dict(triggered) == {row["id"]: 1 for row in alerts}
    live = {row["id"] for row in alerts if row["status"] in ("OPEN", "ACKNOWLEDGED")}
    assert live == {alert_id for (alert_id,) in leased}
