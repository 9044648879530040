"""A workspace whose messages go to services that call back, and the place where they do."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from starlette.applications import Starlette
from starlette.routing import Mount
from twilio.request_validator import RequestValidator

from tests.api.server import Answer, Client, serving
from tests.support import receivers
from tests.support.outbox import KEY, LOOPBACK, Outbox, dispatching, until
from tests.support.postgres import Database
from tocsin.access.links import LinkSigner
from tocsin.access.vault import Vault
from tocsin.alerts.actions import Actions
from tocsin.alerts.directory import DirectoryFeed
from tocsin.callbacks.application import create_callbacks
from tocsin.delivery.outbound import Outbound
from tocsin.model import EventType
from tocsin.settings import Settings
from tocsin.store.database import create_engine

PUBLIC_URL = "https://tocsin.example.com"
ACCOUNT_SID = "AC" + "a1" * 16
TOKEN = "the-token-of-the-account"
HUB, PHONE = "+15550100000", "+15550100001"


@dataclass
class FakeTwilio:
    """What takes messages and calls as Twilio does, and remembers them."""

    taken: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        form = parse_qs((await request.read()).decode())
        self.taken.append({name: values[0] for name, values in form.items()})
        is_call = request.path.endswith("/Calls.json")
        document = {"sid": f"{'CA' if is_call else 'SM'}{uuid4().hex}", "status": "queued"}
        return web.Response(status=201, body=json.dumps(document))


@dataclass
class Called:
    """The callbacks on a real server, and a workspace whose messages they are about."""

    outbox: Outbox
    client: Client

    def twilio(
        self, kind: str, name: str, base_url: str = "https://api.twilio.com", **more: Any
    ) -> UUID:
        config = {
            "to": PHONE,
            "account_sid": ACCOUNT_SID,
            "auth_token": TOKEN,
            "sender": HUB,
            "base_url": base_url,
            **more,
        }
        return self.outbox.destination(name, kind=kind, **config)

    async def send(
        self, kind: str = "sms", event: EventType = EventType.TRIGGERED, **more: Any
    ) -> Sent:
        """One message on its way through Twilio, by the road that every message takes."""
        twilio = FakeTwilio()
        async with receivers.http(twilio.take) as it, dispatching(self.outbox.url):
            destination_id = self.twilio(kind, f"phone {uuid4().hex[:6]}", it.url, **more)
            delivery_id = self.outbox.plan(destination_id, event=event)
            self.outbox.announce()
            await until(lambda: self.outbox.row(delivery_id)["status"] == "sent")
        return Sent(destination_id, delivery_id, twilio.taken[0])

    def post(
        self,
        place: str,
        fields: dict[str, str],
        token: str = TOKEN,
        signature: str | None = None,
        url: str = PUBLIC_URL,
    ) -> Answer:
        """As Twilio calls: signed by its own library."""
        fields = {"AccountSid": ACCOUNT_SID, **fields}
        signed = RequestValidator(token).compute_signature(f"{url}{place}", fields)
        return self.client.request(
            "POST",
            place,
            raw=urlencode(fields).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": signed if signature is None else signature,
            },
        )

    def reply(self, text: str, **more: str) -> Answer:
        fields = {"From": PHONE, "To": HUB, "Body": text, "MessageSid": "SM1", "NumMedia": ""}
        return self.post("/callbacks/twilio/sms", {**fields, **more})

    def status_of(self, delivery_id: UUID) -> str:
        """Of the alert that a message is about."""
        row = self.outbox.db.execute(
            "SELECT a.status::text FROM alerts a JOIN alert_deliveries d ON d.alert_id = a.id"
            " WHERE d.id = %s",
            [delivery_id],
        ).fetchone()
        assert row is not None
        return str(row[0])

    def events(self, delivery_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        rows = self.outbox.db.execute(
            "SELECT e.kind, e.actor FROM alert_events e JOIN alert_deliveries d"
            " ON d.alert_id = e.alert_id WHERE d.id = %s ORDER BY e.id",
            [delivery_id],
        )
        return [(row[0], row[1]) for row in rows]

    def audit(self, action: str) -> list[tuple[Any, ...]]:
        return self.outbox.db.execute(
            "SELECT object_id, actor, after FROM audit_events WHERE action = %s", [action]
        ).fetchall()

    def is_enabled(self, destination_id: UUID) -> bool:
        row = self.outbox.db.execute(
            "SELECT is_enabled FROM alert_destinations WHERE id = %s", [destination_id]
        ).fetchone()
        assert row is not None
        return bool(row[0])


@dataclass(frozen=True)
class Sent:
    destination_id: UUID
    delivery_id: UUID
    taken: dict[str, str]

    @property
    def code(self) -> str:
        return self.taken["Body"].rpartition("Reply: ack ")[2]


@pytest.fixture
def called(database: Database, tmp_path: Path) -> Iterator[Called]:
    outbox = Outbox(database)
    engine = create_engine(outbox.url)
    outbox.db.execute("UPDATE integrations SET webhook_secret = %s", [Vault([KEY]).seal(KEY)])
    outbound = Outbound(LOOPBACK, timeout=5.0)
    settings = Settings(data_dir=tmp_path, public_url=PUBLIC_URL)
    callbacks = create_callbacks(
        engine,
        outbox.url,
        Vault([KEY]),
        settings,
        LinkSigner([KEY]),
        Actions(outbox.url, DirectoryFeed(engine)),
        outbound,
    )

    @contextlib.asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        async with outbound:
            yield

    app = Starlette(routes=[Mount("/callbacks", callbacks)], lifespan=running)
    with serving(app, lifespan="on") as url:
        yield Called(outbox, Client(url, None))
    outbox.close()
