"""A destination with several receivers: order is each receiver's, and none keeps the others waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.outbox import Outbox, dispatching, until
from tocsin.delivery.channels.email import EmailChannel
from tocsin.delivery.channels.kit.mail import FromAddress
from tocsin.delivery.channels.kit.receivers import now_to_try
from tocsin.delivery.channels.kit.smtp import Handover, Receipt, State, Trouble
from tocsin.delivery.outcome import BEHIND
from tocsin.model import EventType, uuid7
from tocsin.settings import SmtpServer


@dataclass
class MailServer:
    """Stands in for `smtp.hand_over`: puts off whom the test says, and remembers the rest."""

    puts_off: set[str] = field(default_factory=set)
    down: bool = False
    taken: list[tuple[str, str]] = field(default_factory=list)

    async def hand_over(
        self, server: Any, sender: str, mails: Any, *, seconds: float, **_: Any
    ) -> Handover:
        if self.down:
            return Handover({}, Trouble("mail-server-busy", "said 421 busy", everyone=True))
        given = {}
        for recipient, build in mails.items():
            if recipient in self.puts_off:
                given[recipient] = Receipt(State.DEFERRED, 451, "greylisted")
                continue
            text = build().decode()
            what = "resolved" if "resolved" in text.partition("\n\n")[0] else "triggered"
            self.taken.append((recipient, what))
            given[recipient] = Receipt(State.SENT, 250, "ok")
        return Handover(given)


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> MailServer:
    server = MailServer()
    monkeypatch.setattr("tocsin.delivery.channels.kit.smtp.hand_over", server.hand_over)
    prepare = EmailChannel.__init__

    def ready(self: EmailChannel, parts: Any) -> None:
        prepare(self, parts)
        self._server = SmtpServer("mail.test", 25, False, True, None, None)
        self._sender = FromAddress.of("hub@hub.example")

    monkeypatch.setattr(EmailChannel, "__init__", ready)
    return server


ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"


async def _due_now(outbox: Outbox) -> None:
    # In a thread: a dispatcher of this loop may hold the rows, and lets them go when the loop goes on.
    await asyncio.to_thread(outbox.db.execute, "UPDATE alert_deliveries SET send_after = now()")


async def test_one_who_puts_us_off_keeps_nobody_waiting(
    outbox: Outbox, mail_server: MailServer
) -> None:
    mail_server.puts_off = {BOB}
    destination = outbox.destination("ops", kind="email", recipients=[BOB, ADA])
    alert = uuid7()
    trigger = outbox.plan(destination, alert)
    resolve = outbox.plan(destination, alert, EventType.RESOLVED)
    others = [outbox.plan(destination) for _ in range(8)]
    async with dispatching(outbox.url):
        await until(lambda: mail_server.taken.count((ADA, "triggered")) == 9)
        await until(lambda: (ADA, "resolved") in mail_server.taken)
        assert outbox.state(destination).get("hold_until") is None
        assert {outbox.row(id)["status"] for id in (trigger, resolve, *others)} == {"queued"}

        # Bob is taken again: he gets everything, of this alert in order, and Ada nothing twice.
        mail_server.puts_off = set()
        await _due_now(outbox)
        outbox.announce()
        await until(lambda: outbox.row(trigger)["status"] == "sent")
        await _due_now(outbox)
        outbox.announce()
        await until(lambda: outbox.pending() == 0)
    assert mail_server.taken.index((BOB, "triggered")) < mail_server.taken.index((BOB, "resolved"))
    assert len(mail_server.taken) == len([ADA, BOB]) * 10


async def test_each_receiver_has_the_order_to_itself(
    outbox: Outbox, mail_server: MailServer
) -> None:
    """Bob comes back while Eve stays away: he need not wait for her."""
    mail_server.puts_off = {BOB, EVE}
    destination = outbox.destination("ops", kind="email", recipients=[ADA, BOB, EVE])
    alert = uuid7()
    trigger = outbox.plan(destination, alert)
    resolve = outbox.plan(destination, alert, EventType.RESOLVED)
    async with dispatching(outbox.url):
        await until(lambda: (ADA, "resolved") in mail_server.taken)
        mail_server.puts_off = {EVE}
        for _ in range(2):
            # Whoever claims may hold the rows at this moment, on this very event loop.
            await asyncio.to_thread(
                outbox.db.execute, "UPDATE alert_deliveries SET send_after = now()"
            )
            outbox.announce()
            await until(
                lambda: (
                    (BOB, "triggered") in mail_server.taken
                    and all(outbox.row(id)["leased_by"] is None for id in (trigger, resolve))
                )
            )
        await until(lambda: (BOB, "resolved") in mail_server.taken)
    assert mail_server.taken == [
        (ADA, "triggered"),
        (ADA, "resolved"),
        (BOB, "triggered"),
        (BOB, "resolved"),
    ]


async def test_a_receiver_alone_keeps_its_order_and_its_destination(
    outbox: Outbox, mail_server: MailServer
) -> None:
    mail_server.puts_off = {ADA}
    destination = outbox.destination("ops", kind="email", recipients=[ADA])
    alert = uuid7()
    outbox.plan(destination, alert)
    resolve = outbox.plan(destination, alert, EventType.RESOLVED)
    for _ in range(5):
        outbox.plan(destination)
    async with dispatching(outbox.url):
        await until(
            lambda: (
                outbox.db.execute(
                    "SELECT count(*) FROM alert_deliveries WHERE attempt_count = 1"
                ).fetchone()
                == (6,)
            )
        )
        assert outbox.row(resolve)["attempt_count"] == 0
        state = outbox.state(destination)
        assert state["hold_until"] is None
        assert state["failing_since"] is not None  # nobody got anything: the fallback's clock runs


def test_each_attempt_begins_with_another_receiver() -> None:
    everybody = ["a", "b", "c"]
    assert now_to_try(everybody, {}, 1) == ["a", "b", "c"]
    assert now_to_try(everybody, {}, 2) == ["b", "c", "a"]
    assert now_to_try(everybody, {BEHIND: ["a", "c"]}, 3) == ["b"]
    assert now_to_try(everybody, {BEHIND: everybody}, 1) == []
