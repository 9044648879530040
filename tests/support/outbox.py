"""A workspace to deliver in: destinations, planned deliveries, a receiver, dispatchers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import psycopg
from aiohttp import web

from tests.support.postgres import Database
from tocsin.access.contact_codes import ContactCodes
from tocsin.access.links import LinkSigner
from tocsin.access.vault import Vault
from tocsin.alerts.carriers import Carrier, carrier_calls, content_of
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.registry import (
    ValidConfig,
    build_channels,
    split_secrets,
    validate_config,
)
from tocsin.delivery.dispatch.dispatcher import Dispatcher, Tuning
from tocsin.delivery.dispatch.lasting import LastingDispatcher
from tocsin.delivery.dispatch.message_links import DeliveryLinks
from tocsin.delivery.outbound import AddressPolicy, Outbound
from tocsin.message import AlertView, Changes, Content, Named, encode
from tocsin.model import AlertStatus, EventType, Secret, Severity, uuid7, uuid7_bytes
from tocsin.store.database import create_engine, reading
from tocsin.store.pipe import BEGIN, COMMIT, PLANNER, Pipe
from tocsin.store.queries.earlier_messages import earlier_progress
from tocsin.store.statements import statement

KEY = Secret(b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOPBACK = AddressPolicy.of([ip_network("127.0.0.0/8"), ip_network("::1/128")])
QUICK = Tuning(lease_seconds=3.0, poll_seconds=0.5, grace_seconds=5.0, pace_seconds=0.002)


class Outbox:
    """Rows, made with plain SQL; what is planned here is what ingest would plan."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self.db = psycopg.connect(database.url, autocommit=True)
        self.workspace_id, self.tenant_id = uuid7(), uuid7()
        self.rule_id, self.integration_id = uuid7(), uuid7()
        slug = f"ops-{self.workspace_id.hex[-6:]}"
        self.db.execute(
            "INSERT INTO workspaces (id, slug, name) VALUES (%s, %s, 'Operations')",
            [self.workspace_id, slug],
        )
        self.db.execute(
            "INSERT INTO tenants (id, workspace_id, slug, name) VALUES (%s, %s, 'default', 'D')",
            [self.tenant_id, self.workspace_id],
        )
        self.db.execute(
            "INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)"
            " VALUES (%s, %s, %s, 'shop', 'generic', 'sealed')",
            [self.integration_id, self.workspace_id, self.tenant_id],
        )
        self.db.execute(
            "INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)"
            " VALUES (%s, %s, 'everything', '{}', '{}')",
            [self.rule_id, self.workspace_id],
        )
        self.workspace = Named(self.workspace_id, "Operations", slug)
        self.tenant = Named(self.tenant_id, "D", "default")
        self.rule = Named(self.rule_id, "everything")

    def close(self) -> None:
        self.db.close()

    def destination(
        self, name: str, url: str | None = None, kind: str = "webhook", **config: Any
    ) -> UUID:
        document = {"url": url, **config} if url is not None else config
        document = document or {"url": "http://127.0.0.1:9/"}
        valid = validate_config(kind, document)
        assert isinstance(valid, ValidConfig), valid
        split = split_secrets(valid)
        id = uuid7()
        self.db.execute(
            "INSERT INTO alert_destinations (id, workspace_id, name, type, config, secret_config)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                id,
                self.workspace_id,
                name,
                kind,
                json.dumps(split.public),
                Vault([KEY]).seal(Secret(json.dumps(split.secret))),
            ],
        )
        return id

    def owned_by(self, name: str, destination_id: UUID) -> UUID:
        """Makes a destination the verified contact method of a new member."""
        user_id = uuid7()
        self.db.execute(
            "INSERT INTO users (id, email, name) VALUES (%s, %s, %s)",
            [user_id, f"{name.lower()}@example.org", name],
        )
        self.db.execute(
            "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, 'responder')",
            [user_id, self.workspace_id],
        )
        self.db.execute(
            "UPDATE alert_destinations SET user_id = %s, verified_at = now() WHERE id = %s",
            [user_id, destination_id],
        )
        return user_id

    def delete_destinations(self, *names: str) -> None:
        """As a person would; all of them, unless it is said which."""
        self.db.execute(
            "UPDATE alert_destinations"
            " SET deleted_at = now(), is_enabled = false, config = '{}', secret_config = NULL"
            " WHERE name = ANY (%s) OR %s",
            [list(names), not names],
        )

    def payload(
        self,
        alert_id: UUID | None,
        event: EventType,
        *,
        severity: Severity = Severity.HIGH,
        title: str = "Disk /var almost full on db1",
    ) -> Content:
        if alert_id is None:
            return Content(
                event_type=event,
                created_at=NOON,
                workspace=self.workspace,
                tenant=None,
                rule=None,
                alert=None,
                actor=None,
            )
        status = {
            EventType.TRIGGERED: AlertStatus.OPEN,
            EventType.ACKNOWLEDGED: AlertStatus.ACKNOWLEDGED,
            EventType.RESOLVED: AlertStatus.RESOLVED,
            EventType.CLOSED: AlertStatus.CLOSED,
        }[event]
        return Content(
            event_type=event,
            created_at=NOON,
            workspace=self.workspace,
            tenant=self.tenant,
            rule=self.rule,
            actor=None,
            alert=AlertView(
                id=alert_id,
                workspace_id=self.workspace_id,
                tenant_id=self.tenant_id,
                integration_id=self.integration_id,
                title=title,
                description="97 % used",
                severity=severity,
                status=status,
                source="alertmanager-production",
                external_id=f"ext-{alert_id}",
                triggered_at=NOON,
                acknowledged_at=None,
                resolved_at=NOON if status is AlertStatus.RESOLVED else None,
                closed_at=None,
                metadata={"graph": "https://example.com/g"},
                labels={"host": "db1", "mount": "/var"},
                occurrence_count=1,
                last_received_at=NOON,
                created_at=NOON,
                updated_at=NOON,
            ),
        )

    def plan(
        self,
        destination_id: UUID,
        alert_id: UUID | None = None,
        event: EventType = EventType.TRIGGERED,
        *,
        status: str = "queued",
        send_after: datetime | None = None,
        created_at: datetime | None = None,
        severity: Severity = Severity.HIGH,
        reason: str = "rule",
    ) -> UUID:
        """One pending delivery; for a new alert unless `alert_id` says which. A test has none."""
        is_test = event is EventType.TEST
        if alert_id is None and not is_test:
            alert_id = uuid7()
        if alert_id is not None:
            self._alert(alert_id)
        id = uuid7()
        self.db.execute(
            "INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id,"
            " alert_destination_id, alert_id, event_type, status, send_after, payload, reason,"
            " urgency, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " coalesce(%s, now()), coalesce(%s, now()))",
            [
                id,
                self.workspace_id,
                None if is_test else self.tenant_id,
                None if is_test else self.rule_id,
                destination_id,
                alert_id,
                event.value,
                status,
                send_after,
                encode(self.payload(alert_id, event, severity=severity)).decode(),
                "test" if is_test else reason,
                severity.value,
                created_at,
                created_at,
            ],
        )
        return id

    async def carry(
        self,
        destination_id: UUID,
        carried: Sequence[UUID],
        group_id: UUID | None = None,
        *,
        severity: Severity = Severity.HIGH,
    ) -> UUID:
        """One message about the alerts of these deliveries, which it carries."""
        views = []
        for id in carried:
            view = self.payload(self.row(id)["alert_id"], EventType.TRIGGERED, severity=severity)
            assert view.alert is not None
            views.append(view.alert)
        made = Carrier(
            id=uuid7_bytes(),
            workspace_id=self.workspace_id,
            tenant_id=self.tenant_id,
            rule_id=self.rule_id,
            destination_id=destination_id,
            group_id=group_id or uuid7(),
            content=content_of(
                views,
                group_id=group_id or uuid7(),
                title="host=db1",
                changes=Changes(new=len(views), open=len(views)),
                since=NOON,
                now=NOON,
                workspace=self.workspace,
                tenant=self.tenant,
                rule=self.rule,
            ),
            carried=[id.bytes for id in carried],
        )
        pipe = await Pipe.open(self.url, options=PLANNER)
        await pipe.run((BEGIN, {}), *carrier_calls([made], datetime.now(UTC)), (COMMIT, {}))
        await pipe.close()
        return UUID(bytes=made.id)

    def _alert(self, alert_id: UUID) -> None:
        """Its row, unless it is there."""
        self.db.execute(
            "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, source,"
            " triggered_at, last_received_at, last_signal_at)"
            " VALUES (%s, %s, %s, %s, 'Disk', 'HIGH', 'shop', %s, %s, %s) ON CONFLICT DO NOTHING",
            [alert_id, self.workspace_id, self.tenant_id, self.integration_id, NOON, NOON, NOON],
        )

    def announce(self) -> None:
        self.db.execute("NOTIFY tocsin_deliveries")

    def plan_many(self, destination_id: UUID, count: int) -> None:
        """Triggers of as many alerts, in one statement."""
        sample = encode(self.payload(uuid7(), EventType.TRIGGERED)).decode()
        self.db.execute(
            "WITH alert AS ("
            " INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity,"
            " source, triggered_at, last_received_at, last_signal_at)"
            " SELECT gen_random_uuid(), %(workspace)s, %(tenant)s, %(integration)s, 'Disk', 'HIGH',"
            " 'shop', now(), now(), now() FROM generate_series(1, %(count)s) RETURNING id)"
            " INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id,"
            " alert_destination_id, alert_id, event_type, status, payload, reason)"
            " SELECT gen_random_uuid(), %(workspace)s, %(tenant)s, %(rule)s, %(destination)s, id,"
            " 'alerts.triggered', 'queued', %(payload)s::jsonb, 'rule' FROM alert",
            {
                "workspace": self.workspace_id,
                "tenant": self.tenant_id,
                "integration": self.integration_id,
                "rule": self.rule_id,
                "destination": destination_id,
                "payload": sample,
                "count": count,
            },
        )
        self.announce()

    def row(self, id: UUID) -> dict[str, Any]:
        with self.db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            found = cursor.execute("SELECT * FROM alert_deliveries WHERE id = %s", [id]).fetchone()
        assert found is not None
        return found

    def attempts(self, id: UUID) -> list[dict[str, Any]]:
        with self.db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(
                "SELECT * FROM alert_delivery_attempts WHERE alert_delivery_id = %s"
                " ORDER BY number",
                [id],
            ).fetchall()

    def state(self, destination_id: UUID) -> dict[str, Any]:
        with self.db.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            found = cursor.execute(
                "SELECT * FROM destination_states WHERE alert_destination_id = %s",
                [destination_id],
            ).fetchone()
        return found or {"hold_until": None}

    def pending(self) -> int:
        found = self.db.execute(
            "SELECT count(*) FROM alert_deliveries WHERE status IN ('queued', 'deferred')"
        ).fetchone()
        assert found is not None
        return int(found[0])


@dataclass(frozen=True)
class Unsent:
    """A trigger that was canceled because its alert was over before it was sent."""

    alert_id: UUID
    alert_destination_id: UUID
    alert_delivery_id: UUID


async def cancel_before_sent(
    connection: psycopg.AsyncConnection[Any], alert_ids: Sequence[UUID]
) -> list[Unsent]:
    """As whoever resolves these alerts does, in the transaction of `connection`."""
    cursor = await connection.execute(statement("cancel_unsent"), {"alerts": list(alert_ids)})
    return [Unsent(row[0], row[1], row[2]) for row in await cursor.fetchall()]


@dataclass
class JsonReceiver:
    """An HTTP receiver that remembers what it got, and answers as it should."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], web.Response | Awaitable[web.Response]] = lambda body: (
        web.Response(status=204)
    )

    @property
    def ids(self) -> list[UUID]:
        return [UUID(body["id"]) for body in self.bodies]

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        answer = self.answer(body)
        return await answer if isinstance(answer, Awaitable) else answer


@asynccontextmanager
async def receiving() -> AsyncIterator[JsonReceiver]:
    receiver = JsonReceiver()
    application = web.Application()
    application.router.add_post("/{tail:.*}", receiver._take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    receiver.url = f"http://127.0.0.1:{port}/"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def dispatching(
    url: str,
    *,
    tuning: Tuning = QUICK,
    send_timeout: float = 2.0,
    count: int = 1,
    dice: Callable[[], float] = lambda: 0.0,
    lasting: bool = False,
) -> AsyncIterator[Sequence[Dispatcher | LastingDispatcher]]:
    """As many dispatchers, each with its own way out; stopped gracefully at the end. A fault of ours
    fails the test, unless they are to last. The dice fall on the shortest wait there is: a second."""
    outbounds = [Outbound(LOOPBACK, timeout=send_timeout) for _ in range(count)]
    links = DeliveryLinks(LinkSigner([KEY]), "https://tocsin.example.com")
    engine = create_engine(url, pool_size=2)

    async def earlier(delivery_id: UUID) -> Mapping[str, Any] | None:
        async with reading(engine) as session:
            return await earlier_progress(session, delivery_id)

    def make(outbound: Outbound) -> Dispatcher:
        return Dispatcher(
            url,
            channels=build_channels(
                Parts(
                    outbound,
                    public_url="https://tocsin.example.com",
                    callbacks="https://tocsin.example.com",
                    earlier=earlier,
                )
            ),
            vault=Vault([KEY]),
            links=links,
            codes=ContactCodes([KEY]),
            tuning=tuning,
            dice=dice,
        )

    dispatchers: list[Dispatcher | LastingDispatcher] = []
    for outbound in outbounds:
        await outbound.__aenter__()
        dispatchers.append(
            LastingDispatcher(partial(make, outbound), 0.05) if lasting else make(outbound)
        )
    runs = [asyncio.create_task(dispatcher.run()) for dispatcher in dispatchers]
    try:
        yield dispatchers
    finally:
        for dispatcher in dispatchers:
            dispatcher.stop()
        await asyncio.wait_for(asyncio.gather(*runs), 30)
        for outbound in outbounds:
            await outbound.__aexit__(None, None, None)
        await engine.dispose()


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for what must come; the time is a limit on failure, not part of what is tested."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - rows change in another process
            await asyncio.sleep(0.01)


def in_order(bodies: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Per alert, the events in the order of their first arrival."""
    seen: set[str] = set()
    story: dict[str, list[str]] = {}
    for body in bodies:
        if body["id"] not in seen:
            seen.add(body["id"])
            story.setdefault(body["alert"]["id"], []).append(body["event_type"])
    return story
