from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.api.server import Answer, Client, serving
from tests.support.outbox import KEY, NOON, Outbox
from tests.support.postgres import Database
from tocsin.access.links import LinkAction, LinkSigner, Token
from tocsin.access.vault import Vault
from tocsin.alerts.actions import Actions
from tocsin.alerts.directory import DirectoryFeed
from tocsin.console.alerts import act_page
from tocsin.console.alerts.act_page import create_act_page
from tocsin.console.alerts.linked_alert_page import create_alert_page
from tocsin.model import utc_now, uuid7
from tocsin.store.database import create_engine

TITLE = '<b>Disk</b> /var almost full & "smoking"'


@dataclass
class Page:
    """The page on a real server, and one open alert of which ana@example.com was notified."""

    outbox: Outbox
    client: Client
    signer: LinkSigner
    alert_id: UUID
    destination_id: UUID
    expires_at: datetime = field(
        default_factory=lambda: (utc_now() + timedelta(hours=24)).replace(microsecond=0)
    )
    """That of all links of one message: what is typed at any of them counts for all."""

    def link(self, action: LinkAction = LinkAction.ACKNOWLEDGE, **changes: Any) -> str:
        values: dict[str, Any] = {
            "subject_id": self.alert_id,
            "action": action,
            "destination_id": self.destination_id,
            "recipient": "ana@example.com",
            "expires_at": self.expires_at,
        }
        return self.signer.sign(Token(**{**values, **changes}))

    def get(self, token: str, method: str = "GET") -> Answer:
        return self.client.request(method, f"/a/{token}")

    def submit(self, token: str, code: str) -> Answer:
        return self.client.request(
            "POST",
            f"/a/{token}",
            raw=urlencode({"code": code}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    def wrong_code(self, token: str) -> str:
        return f"{(int(self.signer.code(token)) + 1) % 10_000:04d}"

    def status(self) -> str:
        row = self.outbox.db.execute("SELECT status::text FROM alerts").fetchone()
        assert row is not None
        return str(row[0])

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        rows = self.outbox.db.execute("SELECT kind, actor FROM alert_events ORDER BY id")
        return [(row[0], row[1]) for row in rows]


@pytest.fixture
def page(database: Database) -> Iterator[Page]:
    outbox = Outbox(database)
    alert_id = uuid7()
    outbox.db.execute(
        "UPDATE integrations SET webhook_secret = %s WHERE id = %s",
        [Vault([KEY]).seal(KEY), outbox.integration_id],
    )
    outbox.db.execute(
        "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, description,"
        " severity, source, external_id, triggered_at, last_received_at, last_signal_at)"
        " VALUES (%s, %s, %s, %s, %s, '97 %% used', 'CRITICAL', 'shop', 'e1', %s, %s, %s)",
        [
            alert_id,
            outbox.workspace_id,
            outbox.tenant_id,
            outbox.integration_id,
            TITLE,
            NOON,
            NOON,
            NOON,
        ],
    )
    destination_id = outbox.destination("mail")
    engine = create_engine(outbox.url)
    signer = LinkSigner([KEY])
    feed = DirectoryFeed(engine)
    app = Starlette(
        routes=[
            Mount("/alerts", create_alert_page(engine, signer)),
            Mount("/a", create_act_page(engine, signer, Actions(outbox.url, feed))),
        ]
    )
    with serving(app) as url:
        yield Page(outbox, Client(url, None), signer, alert_id, destination_id)
    outbox.close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_changes_nothing(page: Page, method: str) -> None:
    token = page.link()
    for _ in range(3):
        answer = page.get(token, method)
        assert answer.status == 200
    assert page.status() == "OPEN"
    assert page.events() == []


def test_it_shows_the_alert_and_keeps_to_itself(page: Page) -> None:
    answer = page.get(page.link())
    text = answer.body.decode()
    assert "&lt;b&gt;Disk&lt;/b&gt; /var almost full &amp; &#34;smoking&#34;" in text
    assert "CRITICAL" in text
    assert "2026-03-01 12:00:00 UTC" in text
    assert page.signer.code(page.link()) not in text
    assert "<script" not in text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        (LinkAction.ACKNOWLEDGE, "ACKNOWLEDGED", "acknowledged"),
        (LinkAction.RESOLVE, "RESOLVED", "resolved"),
    ],
)
def test_the_code_acts_once_however_often(
    page: Page, action: LinkAction, status: str, kind: str
) -> None:
    token = page.link(action)
    code = page.signer.code(token)
    answer = page.submit(token, f" {code[:2]} {code[2:]} ")
    assert answer.status == 200
    assert "On record as done by ana@example.com" in answer.body.decode()
    again = page.submit(token, code)
    assert again.status == 200
    assert "already" in again.body.decode()
    assert page.status() == status
    ((found, actor),) = page.events()
    assert found == kind
    assert actor == {
        "kind": "recipient",
        "name": "ana@example.com",
        "id": str(page.destination_id),
    }


def test_a_wrong_code_changes_nothing(page: Page) -> None:
    token = page.link()
    answer = page.submit(token, page.wrong_code(token))
    assert answer.status == 403
    assert "not the code" in answer.body.decode()
    assert page.status() == "OPEN"


def test_a_code_cannot_be_guessed_by_trying(page: Page) -> None:
    token = page.link()
    for _ in range(5):
        assert page.submit(token, page.wrong_code(token)).status == 403
    # Neither here nor at the other link of the same message.
    for other in (token, page.link(LinkAction.RESOLVE)):
        answer = page.submit(other, page.signer.code(other))
        assert answer.status == 403
        assert "locked" in answer.body.decode()
        assert "locked" in page.get(other).body.decode()
    assert page.status() == "OPEN"


@pytest.mark.parametrize("junk", ["", "abcd", "12345678", "1", "<script>", "x" * 5_000])
def test_what_scanners_submit_locks_nobody_out(page: Page, junk: str) -> None:
    token = page.link()
    for _ in range(8):
        assert page.submit(token, junk).status == 403
    assert page.submit(token, page.signer.code(token)).status == 200
    assert page.status() == "ACKNOWLEDGED"


def test_a_form_that_is_no_form_is_no_code(page: Page) -> None:
    token = page.link()
    for raw in (b"\xff\xfe", b"&".join([b"code=1"] * 50), b'{"code": "1"}'):
        answer = page.client.request("POST", f"/a/{token}", raw=raw)
        assert answer.status == 403
    assert page.status() == "OPEN"


def test_what_somebody_else_did_first_is_said(page: Page) -> None:
    page.outbox.db.execute("UPDATE alerts SET status = 'RESOLVED', resolved_at = now()")
    token = page.link()
    answer = page.get(token)
    assert answer.status == 200
    assert "The alert is resolved already." in answer.body.decode()
    assert "<form" not in answer.body.decode()


def test_a_link_of_no_use_says_so(page: Page) -> None:
    token = page.link()
    flipped = ("A" if token[0] != "A" else "B") + token[1:]
    assert page.get(flipped).status == 404
    assert page.get(token[:-3]).status == 404
    assert page.submit("nonsense", "1234").status == 404
    past = datetime.fromisoformat("2026-01-01T00:00:00Z")
    assert page.get(page.link(expires_at=past)).status == 410
    assert page.get(page.link(subject_id=uuid7())).status == 404
    assert TITLE.encode() not in page.get(flipped).body


def test_a_deleted_destinations_links_die_with_it(page: Page) -> None:
    token = page.link()
    page.outbox.delete_destinations()
    assert page.get(token).status == 404
    assert page.submit(token, page.signer.code(token)).status == 404
    assert page.status() == "OPEN"


def test_many_wrong_codes_at_once_are_still_five(page: Page) -> None:
    from concurrent.futures import ThreadPoolExecutor

    token = page.link()
    right = int(page.signer.code(token))
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda step: page.submit(token, f"{(right + step) % 10_000:04d}"), range(1, 33)
            )
        )
    assert page.submit(token, page.signer.code(token)).status == 403
    assert page.status() == "OPEN"


def test_a_form_that_does_not_arrive_is_not_waited_for(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(act_page, "BODY_SECONDS", 0.3)
    where = urlsplit(page.client.base_url)
    head = f"POST /a/{page.link()} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\ncode="
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 408 ")
    assert page.status() == "OPEN"
