"""Mail brought by a real SMTP client to a real server."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from tests.api.conftest import running
from tests.ingest.inbound.conftest import Outside
from tests.support import certificates
from tests.support.mail import DOMAIN, bring, connected, mail, raw
from tests.support.node import eventually
from tests.support.postgres import Database
from tocsin.alerts.directory import DirectoryFeed
from tocsin.ingest.inbound.mail import listener as listening
from tocsin.ingest.inbound.mail.taking import MailTaker
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.refusals import UNAVAILABLE
from tocsin.settings import Settings


@dataclass(frozen=True)
class Post:
    """A server that takes mail, and an integration that has an address there."""

    outside: Outside
    port: int
    integration: Any

    @property
    def address(self) -> str:
        address: str = self.integration["mail_address"]
        return address

    def bring(self, message: EmailMessage | bytes, **more: Any) -> tuple[int, str]:
        return bring(self.port, self.address, message, **more)

    def states(self) -> list[tuple[str, str, int]]:
        return [
            (alert["title"], alert["status"], alert["occurrence_count"])
            for alert in self.outside.alerts()
        ]

    def outcomes(self) -> list[str]:
        return [row[1] for row in self.outside.records()]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "mail.pem"
    path.write_bytes(certificates.server_pem())
    return path


@pytest.fixture
def post(database: Database, tmp_path: Path, certificate: Path) -> Iterator[Post]:
    settings = Settings(
        data_dir=tmp_path,
        mail_listen=("127.0.0.1", 0),
        mail_domain=DOMAIN,
        mail_from="hub@hub.example",
        mail_tls_cert=certificate,
        mail_max_bytes=200_000,
    )
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        running(database, settings, listener) as hub,
    ):
        outside = Outside(hub, hub.admin.base_url.removesuffix("/api/v1"))
        yield Post(outside, listener.getsockname()[1], outside.integration("email"))


def test_a_problem_its_repeat_its_end_and_the_next_episode(post: Post) -> None:
    assert post.address == f"{post.integration['webhook_secret']}@{DOMAIN}"
    shown = post.outside.hub.admin.get(f"/integrations/{post.integration['id']}").json()
    assert shown["mail_address"] == f"[redacted]@{DOMAIN}"
    code, said = post.bring(mail("[FIRING] Disk full", "Disk of db-1 is 95 % full"))
    assert (code, said.split(",")[0]) == (250, "2.0.0 Created")
    assert post.bring(mail("[FIRING] Disk full", "96 %"))[1].startswith("2.0.0 Updated")
    assert post.states() == [("[FIRING] Disk full", "OPEN", 2)]
    assert post.bring(mail("[RESOLVED] Disk full"))[1].startswith("2.0.0 Resolved")
    assert post.bring(mail("[FIRING] Disk full"))[1].startswith("2.0.0 Created")
    assert [state for _, state, _ in post.states()] == ["RESOLVED", "OPEN"]
    (alert, _) = post.outside.alerts()
    assert alert["description"] == "96 %"
    assert alert["labels"] == {"from": "monitor@tools.example"}


def test_a_mail_that_is_brought_again_is_a_duplicate(post: Post) -> None:
    message = mail("Disk full")
    assert post.bring(message)[1].startswith("2.0.0 Created")
    # By another way, with other traces of it.
    again = b"Received: from elsewhere\r\n" + raw(message)
    assert post.bring(again)[1].startswith("2.0.0 Duplicate")
    assert post.states() == [("Disk full", "OPEN", 1)]
    assert post.outcomes() == ["created", "duplicate"]
    # Mail servers try for days.
    assert post.integration["deduplication_window_minutes"] == 7_200


def test_an_answer_is_about_the_mail_that_it_answers(post: Post) -> None:
    first, second = mail("Disk full"), mail("Load high")
    assert post.bring(first)[0] == post.bring(second)[0] == 250
    answer = mail("Re: what was that?", "ack, on it", in_reply_to=first["Message-ID"])
    assert post.bring(answer)[1].startswith("2.0.0 Acknowledged")
    chat = mail("Re: Disk full", "Who is on it?", references=first["Message-ID"])
    assert post.bring(chat)[1].startswith("2.0.0 Ignored")
    later = mail(
        "Re: what was that?",
        "Resolved, thanks.",
        references=f"{first['Message-ID']} {answer['Message-ID']}",
    )
    assert post.bring(later)[1].startswith("2.0.0 Resolved")
    assert [state for _, state, _ in post.states()] == ["RESOLVED", "OPEN"]
    # One whose thread began elsewhere is about the alert with its subject.
    assert post.bring(mail("Re: Load high", "fixed", in_reply_to="<lost@x>"))[0] == 250
    assert [state for _, state, _ in post.states()] == ["RESOLVED", "RESOLVED"]


def test_mails_below_a_root_that_nobody_sent_are_one_alert(post: Post) -> None:
    for subject in ("Disk at 95 %", "Disk at 97 %", "RESOLVED: Disk at 40 %"):
        assert post.bring(mail(subject, references="<alert-7@tools.example>"))[0] == 250
    assert post.states() == [("Disk at 97 %", "RESOLVED", 2)]


@pytest.mark.parametrize(
    ("fields", "sender", "reason"),
    [
        ({}, "", "bounce"),
        ({"auto_submitted": "auto-replied"}, "a@b.example", "Auto-Submitted"),
        ({"precedence": "junk"}, "a@b.example", "Precedence"),
        ({"list_id": "Tocsin <prod.tocsin.hub.example>"}, "a@b.example", "loop"),
    ],
)
def test_what_is_no_alert_is_taken_and_ignored(
    post: Post, fields: dict[str, str], sender: str, reason: str
) -> None:
    assert post.bring(mail("Disk full", **fields), sender=sender)[1].startswith("2.0.0 Ignored")
    assert post.outside.alerts() == []
    (row,) = post.outside.hub.sql("SELECT outcome, error_message FROM webhook_deliveries")
    assert row[0] == "ignored"
    assert reason in row[1]


def test_nobody_learns_which_addresses_there_are(post: Post) -> None:
    other = post.outside.other_workspace().integration("email", name="theirs")
    for address in (f"wrong-token-0123456789@{DOMAIN}", f"postmaster@{DOMAIN}", f"x@{DOMAIN}"):
        code, said = bring(post.port, address, mail("x"))
        assert (code, said[:5]) == (550, "5.1.1")
        assert "tocsin integration create" in said
    assert bring(post.port, "anybody@elsewhere.example", mail("x"))[0] == 550
    assert post.outside.records() == []
    # To several, of which one is wrong: the sender learns it at that one.
    code, _ = bring(post.port, [post.address, f"nobody@{DOMAIN}"], mail("x"))
    assert code == 550
    # Each workspace has its own.
    assert bring(post.port, other["mail_address"], mail("x"))[0] == 250
    assert post.states() == []
    assert len(post.outside.other_workspace().alerts()) == 1


def test_one_mail_to_two_integrations(post: Post) -> None:
    second = post.outside.integration("email", name="second")
    code, _ = bring(post.port, [post.address, second["mail_address"]], mail("Disk full"))
    assert code == 250
    assert {alert["integration_id"] for alert in post.outside.alerts()} == {
        post.integration["id"],
        second["id"],
    }


def test_any_case_a_tag_and_a_token_of_its_own(post: Post) -> None:
    token, _, domain = post.address.partition("@")
    assert bring(post.port, f"{token.upper()}+web@{domain.upper()}", mail("x"))[0] == 250
    (alert,) = post.outside.alerts()
    assert alert["labels"]["tag"] == "web"
    path = f"/integrations/{post.integration['id']}/tokens"
    admin = post.outside.hub.admin
    own = admin.made(path, {"label": "printer", "token": "printer-in-the-cellar"})
    assert bring(post.port, f"{own['token']}@{DOMAIN}", mail("y"))[0] == 250
    refused = admin.post(path, {"label": "upper case", "token": "Printer-In-The-Cellar"})
    assert refused.slug == "validation-failed"
    assert "before the @" in refused.json()["errors"][0]["message"]


def test_starttls_is_offered_and_the_renewed_certificate_is_used(
    post: Post, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(post.port) as client:
        client.ehlo()
        assert client.has_extn("starttls")
        assert client.has_extn("8bitmime")
        assert not client.has_extn("auth")
    assert post.bring(mail("[FIRING] over TLS"), tls=True)[0] == 250
    assert len(post.outside.alerts()) == 1
    monkeypatch.setattr(listening, "_RENEWAL_SECONDS", 0.0)
    before = _serial(post.port)
    time.sleep(0.01)
    certificate.write_bytes(certificates.server_pem())
    assert _serial(post.port) != before
    certificate.write_bytes(b"nonsense")
    assert _serial(post.port)


def _serial(port: int) -> str:
    with connected(port, tls=True) as client:
        assert client.sock is not None
        shown: str = client.sock.getpeercert()["serialNumber"]  # type: ignore[attr-defined]
        return shown


def test_too_large_is_refused_and_on_record(post: Post) -> None:
    large = mail("Disk full", "x" * 70 + "\n" + ("y" * 70 + "\n") * 4_000)
    assert post.bring(large)[0] == 552
    with connected(post.port) as client:
        client.ehlo()
        client.mail("a@b.example")
        client.rcpt(post.address)
        assert client.data(raw(large))[0] == 552
        # The session goes on.
        client.mail("a@b.example")
        client.rcpt(post.address)
        assert client.data(raw(mail("small")))[0] == 250
    rows = post.outside.hub.sql("SELECT status_code, outcome FROM webhook_deliveries ORDER BY id")
    assert rows == [(413, "rejected"), (201, "created")]


def test_a_line_may_be_longer_than_the_standard_has_it(post: Post) -> None:
    content = b"Subject: long\r\n\r\n" + b"z" * 100_000 + b"\r\n"
    assert post.bring(content)[0] == 250
    assert post.bring(b"Subject: long\r\n\r\n" + b"z" * 180_000 + b"\r\n")[0] == 500


def test_an_inactive_integration_is_refused_and_on_record(post: Post) -> None:
    post.outside.hub.admin.patch(f"/integrations/{post.integration['id']}", {"is_active": False})
    code, said = post.bring(mail("Disk full"))
    assert (code, said) == (550, "5.7.1 This integration is not active.")
    assert post.outcomes() == ["rejected"]


def test_a_mapping_that_fails_is_answered_in_words(post: Post) -> None:
    post.outside.hub.admin.patch(
        f"/integrations/{post.integration['id']}", {"mapping": {"title": "length(subject.x)"}}
    )
    code, said = post.bring(mail("Disk full"))
    assert code == 554
    assert "mapping" in said
    assert post.outcomes() == ["invalid"]


def test_it_can_be_replayed(post: Post) -> None:
    post.bring(mail("Re: Disk full", "what?", in_reply_to="<x@y>"))
    admin = post.outside.hub.admin
    (delivery,) = admin.get("/webhook-deliveries").json()["items"]
    path = f"/webhook-deliveries/{delivery['id']}/replay"
    assert admin.post(path, {"dry_run": True}).json()["status"] == "ignored"
    admin.patch(f"/integrations/{post.integration['id']}", {"mapping": {"kind": "'firing'"}})
    assert admin.post(path, {"dry_run": False}).json()["status"] == "created"
    assert post.states() == [("Disk full", "OPEN", 1)]


def test_the_token_is_nowhere_on_record_and_in_no_log(
    post: Post, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    token = post.integration["webhook_secret"]
    message = mail(f"to {token}", f"for {post.address}", to=post.address)
    assert post.bring(message)[0] == 250
    bring(post.port, f"{token}@{DOMAIN}.elsewhere", message)
    rows = repr(post.outside.hub.sql("SELECT d::text FROM webhook_deliveries d"))
    rows += repr(post.outside.hub.sql("SELECT a::text FROM alerts a"))
    assert "[redacted]" in rows
    printed = capfd.readouterr()
    assert token not in rows + caplog.text + printed.out + printed.err


def test_while_the_database_is_away_the_mail_stays_where_it_is(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Any, *_: Any) -> Any:
        raise psycopg.OperationalError("the server is gone")

    async def unavailable(self: Any, webhook: Any) -> Any:
        return UNAVAILABLE

    message = mail("Disk full")
    with monkeypatch.context() as patched:
        patched.setattr(DirectoryFeed, "look", away)
        code, said = bring(post.port, f"made-just-now-0123456@{DOMAIN}", message)
        assert (code, said[:5]) == (451, "4.3.0")
        assert "gone" not in said
    with monkeypatch.context() as patched:
        patched.setattr(Lanes, "submit", unavailable)
        code, said = post.bring(message)
        assert (code, said[:5]) == (451, "4.3.0")
    with monkeypatch.context() as patched:
        patched.setattr(MailTaker, "_thread", away)
        assert post.bring(mail("Re: x", in_reply_to="<x@y>"))[0] == 451
    assert post.outside.records() == []
    assert post.bring(message)[0] == 250
    assert post.states() == [("Disk full", "OPEN", 1)]


def test_a_fault_is_not_the_end_of_the_mail(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Any, *_: Any) -> Any:
        raise KeyError("a secret of the program")

    monkeypatch.setattr(MailTaker, "_take", broken)
    code, said = post.bring(mail("Disk full"))
    assert (code, said[:5]) == (451, "4.3.0")
    assert "secret of" not in said


def test_sessions_are_few_and_bounded(post: Post) -> None:
    with connected(post.port) as client:
        client.ehlo()
        client.mail("a@b.example")
        for _ in range(listening.RECIPIENTS):
            assert client.rcpt(post.address)[0] == 250
        assert client.rcpt(post.address)[0] == 452
        client.rset()
        codes = [client.docmd("NOOP")[0] for _ in range(61)]
        assert codes[-1] == 421
    opened = [
        socket.create_connection(("127.0.0.1", post.port), 10)
        for _ in range(listening.SESSIONS_OF_ONE_HOST)
    ]
    for each in opened:
        assert each.recv(100).startswith(b"220 ")
    with socket.create_connection(("127.0.0.1", post.port), 10) as late:
        assert late.recv(100).startswith(b"421 4.7.0")
        assert late.recv(100) == b""
    for each in opened:
        each.close()
    eventually(lambda: _is_welcome(post.port), "room for another session")
    assert post.bring(mail("x"))[0] == 250


def _is_welcome(port: int) -> bool:
    try:
        with connected(port):
            return True
    except smtplib.SMTPConnectError:
        return False


def test_a_session_that_takes_its_time_ends() -> None:
    taker: Any = SimpleNamespace(domain=DOMAIN)

    async def serve() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as own:
            listener = listening.MailListener(taker, own, 1_000, session_seconds=0.3)
            await listener.start()
            reader, writer = await asyncio.open_connection(*own.getsockname())
            begun = time.monotonic()
            said = b""
            try:
                while time.monotonic() - begun < 10:
                    writer.write(b"NOOP\r\n")
                    received = await reader.read(100)
                    if not received:
                        break
                    said += received
                    await asyncio.sleep(0.05)
            except ConnectionError:
                pass
            assert time.monotonic() - begun < 5
            writer.close()
            await listener.stop()
            return said

    assert asyncio.run(serve()).startswith(b"220 ")


def test_it_is_off_where_nobody_has_set_it_up(outside: Outside) -> None:
    made = outside.integration("email")
    assert made["mail_address"] is None
    # What a mail becomes can be posted, too.
    path = made["webhook_url"].removeprefix(outside.url)
    assert outside.request("POST", path, {"subject": "DOWN: shop"}).status == 201
