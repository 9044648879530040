"""What is said without an alert takes the road of every message."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.support.outbox import NOON, Outbox, dispatching, receiving, until
from tocsin.message import Content, NoticeContent
from tocsin.model import EventType, utc_now
from tocsin.store.database import create_engine, writing
from tocsin.store.queries.schedule_notices import NoticeRow, add_notices


async def test_a_notice_reaches_a_persons_contact_method_and_is_on_record(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination_id = outbox.destination("phone", receiver.url)
        user_id = outbox.owned_by("Ada", destination_id)
        content = Content(
            event_type=EventType.SHIFT_BEGINS,
            created_at=NOON,
            workspace=outbox.workspace,
            tenant=None,
            rule=None,
            alert=None,
            actor=None,
            notice=NoticeContent(title="Primary, Mon 9:00", text="Your shift begins in 1 h."),
        )
        row = NoticeRow(
            workspace_id=outbox.workspace_id,
            destination_id=destination_id,
            event_type=EventType.SHIFT_BEGINS,
            payload=msgspec.to_builtins(content),
            give_up_at=utc_now() + timedelta(hours=2),
            detail={},
            user_id=user_id,
        )
        engine = create_engine(outbox.url, pool_size=1)
        async with writing(engine) as session:
            await add_notices(session, [row])
        await engine.dispose()
        await until(lambda: bool(receiver.bodies))
        await until(lambda: outbox.pending() == 0)
    (body,) = receiver.bodies
    assert body["event_type"] == "schedules.shift_begins"
    assert (body["tenant"], body["rule"], body["alert"]) == (None, None, None)
    assert body["notice"] == {"title": "Primary, Mon 9:00", "text": "Your shift begins in 1 h."}
    ((status, reason, count),) = outbox.db.execute(
        "SELECT status::text, reason, attempt_count FROM alert_deliveries"
    ).fetchall()
    assert (status, reason, count) == ("sent", "notice", 1)
