"""A page is looked at again at the last moment."""

from __future__ import annotations

import pytest

from tests.support.outbox import Outbox, dispatching, receiving, until
from tocsin.model import uuid7


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("ACKNOWLEDGED", "acknowledged_before_sent"),
        ("RESOLVED", "resolved_before_sent"),
        ("CLOSED", "resolved_before_sent"),
    ],
)
async def test_a_page_that_is_over_is_canceled_and_never_sent(
    outbox: Outbox, status: str, reason: str
) -> None:
    async with receiving() as receiver:
        destination, alert = outbox.destination("push of U", receiver.url), uuid7()
        page = outbox.plan(destination, alert, reason="escalation")
        open_one = outbox.plan(destination, reason="escalation")
        outbox.db.execute("UPDATE alerts SET status = %s WHERE id = %s", [status, alert])
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
        assert receiver.ids == [open_one]
        row = outbox.row(page)
        assert (row["status"], row["reason"]) == ("canceled", reason)
        assert row["attempt_count"] == 0
        assert outbox.attempts(page) == []


async def test_what_a_rule_sends_is_sent_though_somebody_has_taken_the_alert_on(
    outbox: Outbox,
) -> None:
    async with receiving() as receiver:
        destination, alert = outbox.destination("ops", receiver.url), uuid7()
        by_rule = outbox.plan(destination, alert)
        outbox.db.execute("UPDATE alerts SET status = 'ACKNOWLEDGED' WHERE id = %s", [alert])
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
        assert receiver.ids == [by_rule]
