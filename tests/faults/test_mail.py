"""What a mail server was answered 250 is there, once: across a crash, a database that goes away, two
nodes, and an orderly stop."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.mail import DOMAIN, bring, mail, mail_port
from tests.support.node import Node, nodes
from tests.support.postgres import Database
from tests.support.proxy import proxied
from tests.support.workspace import Workspace
from tocsin.ingest.proof.sign import path_secret

SETTINGS = {"mail_listen": "127.0.0.1:0", "mail_domain": DOMAIN, "log_format": "json"}
TOKEN = "mailed-by-tools-0123456789"


@pytest.fixture
def workspace(database: Database) -> Workspace:
    workspace = Workspace(database.url)
    sender = workspace.sender("email", secret=TOKEN, deduplication_window_minutes=60)
    assert path_secret(sender.profile) == TOKEN
    return workspace


@contextmanager
def taking(url: str, folder: Path, **more: str) -> Iterator[Node]:
    node = Node(url, folder, **more, **SETTINGS)
    try:
        assert node.base_url
        yield node
    finally:
        node.kill()


ADDRESS = f"{TOKEN}@{DOMAIN}"


def counts(workspace: Workspace) -> tuple[int, list[str]]:
    outcomes = workspace.sql("SELECT outcome FROM webhook_deliveries ORDER BY id")
    return workspace.one("SELECT count(*) FROM alerts"), [row[0] for row in outcomes]


def test_a_crash_between_commit_and_answer(workspace: Workspace, tmp_path: Path) -> None:
    message = mail("Disk full")
    with taking(workspace.url, tmp_path, program="tests.faults.dies_before_its_answer") as node:
        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            bring(mail_port(node), ADDRESS, message)
        assert node.process.wait(20) < 0
    assert counts(workspace) == (1, ["created"])
    # The mail server has no answer, and brings it again.
    (fresh := tmp_path / "fresh").mkdir()
    with taking(workspace.url, fresh) as node:
        code, said = bring(mail_port(node), ADDRESS, message)
    assert (code, said.split(",")[0]) == (250, "2.0.0 Duplicate")
    assert counts(workspace) == (1, ["created", "duplicate"])


def test_while_the_database_is_away(workspace: Workspace, tmp_path: Path) -> None:
    message = mail("Disk full")
    with proxied(workspace.url) as way, taking(way.url, tmp_path) as node:
        port = mail_port(node)
        assert bring(port, ADDRESS, mail("Load high"))[0] == 250
        way.cut()
        for address in (ADDRESS, f"made-a-moment-ago-0@{DOMAIN}"):
            code, said = bring(port, address, message)
            assert (code, said[:5]) == (451, "4.3.0")
        way.restore()
        while bring(port, ADDRESS, message)[0] == 451:
            pass
    total, outcomes = counts(workspace)
    assert total == 2
    assert outcomes.count("created") == 2


def test_two_nodes_take_mail_for_the_same_addresses(workspace: Workspace) -> None:
    with nodes(workspace.url, 2, **SETTINGS) as running:
        ports = [mail_port(node) for node in running]
        message = mail("Disk full")
        replies: list[str] = []

        def deliver(port: int) -> None:
            replies.append(bring(port, ADDRESS, message)[1].split(",")[0])

        # One and the same mail on both at once.
        threads = [threading.Thread(target=deliver, args=(port,)) for port in ports * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(replies) == ["2.0.0 Created", *["2.0.0 Duplicate"] * 5]
        answer = mail("Re: Disk full", "resolved", in_reply_to=message["Message-ID"])
        assert bring(ports[1], ADDRESS, answer)[1].startswith("2.0.0 Resolved")
        # An integration that is made on one node has its address on the other at once.
        made = (
            running[0]
            .client(workspace.api_key())
            .api("POST", "/integrations", {"name": "made on one", "type": "email"})
        )
        assert bring(ports[1], made.json()["mail_address"], mail("x"))[0] == 250
        for node in running:
            assert node.stop() == 0
            assert TOKEN not in node.errors()


def test_an_orderly_stop_answers_what_it_has_taken(workspace: Workspace, tmp_path: Path) -> None:
    with taking(workspace.url, tmp_path) as node:
        port, answered = mail_port(node), []
        ends = threading.Event()

        def deliver() -> None:
            while not ends.is_set():
                message = mail("Disk full", in_reply_to=f"<{len(answered)}.{id(ends)}@x>")
                try:
                    code, _ = bring(port, ADDRESS, message)
                except (smtplib.SMTPException, OSError):
                    return
                if code == 250:
                    answered.append(message["Message-ID"])

        threads = [threading.Thread(target=deliver) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(answered) < 10:
            assert node.process.poll() is None
        assert node.stop() == 0
        ends.set()
        for thread in threads:
            thread.join()
    kept = {row[0] for row in workspace.sql("SELECT idempotency_key FROM webhook_deliveries")}
    assert set(answered) <= kept


def test_a_port_that_is_taken_is_said_in_words(workspace: Workspace, tmp_path: Path) -> None:
    with taking(workspace.url, tmp_path) as node:
        (other := tmp_path / "other").mkdir()
        late = Node(
            workspace.url,
            other,
            mail_listen=f"127.0.0.1:{mail_port(node)}",
            mail_domain=DOMAIN,
        )
        assert late.process.wait(60) == 1
        assert "TOCSIN_MAIL_LISTEN" in late.errors()
        late.kill()
