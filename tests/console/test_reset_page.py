"""A new password by mail, for who forgot theirs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.console.site import PASSWORD, Site, running_site, text_of
from tests.support.ports import free_port
from tests.support.postgres import Database
from tocsin.settings import SmtpServer


@dataclass
class Mailbox:
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Sender, recipient, mail."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.content))
        return "250 OK"

    def gets(self, count: int, recipient: str | None = None) -> None:
        """Waits for so many mails, to one of them if given."""
        until = time.monotonic() + 20
        while True:
            found = [each for each in self.taken if recipient in (None, each[1])]
            if len(found) >= count:
                return
            assert time.monotonic() < until, self.taken
            time.sleep(0.02)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mailed(database: Database, tmp_path: Path, mailbox: Mailbox) -> Iterator[Site]:
    """A console whose mails come into the mailbox."""
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    way = SmtpServer("127.0.0.1", port, False, True, None, None)
    settings = {
        "smtp": way,
        "mail_from": "Tocsin <tocsin@example.com>",
        "public_url": "https://tocsin.example.com",
    }
    try:
        with running_site(database, tmp_path, settings=settings) as running:
            yield running
    finally:
        server.stop()


def asks(site: Site, email: str) -> str:
    browser = site.browser()
    browser.get("/login/reset")
    return text_of(browser.post("/login/reset", [("email", email)]))


def link(mailbox: Mailbox) -> str:
    mail = message_from_bytes(mailbox.taken[-1][2], policy=default)
    found = re.search(r"https://tocsin\.example\.com(/enter/\w+)", mail.get_content())
    assert found is not None
    return found[1]


def test_a_link_that_works_once_and_ends_all_sessions(mailed: Site, mailbox: Mailbox) -> None:
    elsewhere = mailed.browser("Ben")
    assert "Have a link sent to you" in text_of(mailed.browser().get("/login"))
    assert "Look into your mail" in asks(mailed, "BEN@example.com")
    mailbox.gets(1)
    assert mailbox.taken[0][:2] == ("tocsin@example.com", "ben@example.com")
    address, browser = link(mailbox), mailed.browser()
    token = address.rpartition("/")[2]
    ((stored,),) = mailed.sql("SELECT token_hash FROM sign_in_links")
    assert token.encode() not in bytes(stored)
    assert mailed.sql(
        "SELECT expires_at BETWEEN now() + interval '29 min' AND now() + interval '30 min'"
        " FROM sign_in_links"
    ) == [(True,)]
    asks(mailed, "ben@example.com")
    mailbox.gets(2)
    second = link(mailbox)
    browser.get(address)
    fields = {"password": "a whole new one"}
    assert browser.follow(browser.submit(address, fields)).status == 200
    assert elsewhere.get("/").status == 303
    assert mailed.browser().submit(address, fields).status == 410
    assert mailed.browser().submit(second, fields).status == 410, "nor does one sent before"
    entered = mailed.browser().post(
        "/login", [("email", "ben@example.com"), ("password", "a whole new one")]
    )
    assert entered.status == 303
    assert mailed.sql(
        "SELECT action, after->>'password' FROM audit_events WHERE object_type = 'user'"
    ) == [("updated", "changed")]


def test_nothing_says_who_is_there(mailed: Site, mailbox: Mailbox) -> None:
    mailed.sql("UPDATE users SET is_active = false WHERE name = 'Vera'")
    known = asks(mailed, "ana@example.com").replace("ana@", "X@")
    for email in ("nobody@example.com", "vera@example.com"):
        assert asks(mailed, email).replace(email.partition("@")[0] + "@", "X@") == known
    mailbox.gets(1)
    assert [each[1] for each in mailbox.taken] == ["ana@example.com"]


def test_it_is_throttled(mailed: Site, mailbox: Mailbox) -> None:
    for _ in range(5):
        assert "Look into your mail" in asks(mailed, "ana@example.com")
    asks(mailed, "ben@example.com")
    mailbox.gets(1, "ben@example.com")
    # They are sent side by side: what was asked for last may come first.
    mailbox.gets(3, "ana@example.com")
    assert [each[1] for each in mailbox.taken].count("ana@example.com") == 3
    for _ in range(14):
        asks(mailed, "nobody@example.com")
    assert "Too many" in asks(mailed, "vera@example.com")


def test_a_form_of_another_site_asks_for_nothing(mailed: Site, mailbox: Mailbox) -> None:
    browser = mailed.browser()
    browser.headers = {"Sec-Fetch-Site": "cross-site"}
    answer = browser.post("/login/reset", [("email", "ana@example.com")])
    assert answer.status == 403
    assert mailed.sql("SELECT count(*) FROM sign_in_links") == [(0,)]


def test_without_a_mail_server_there_is_no_such_page(site: Site) -> None:
    browser = site.browser()
    assert "tocsin user sign-in-link" in text_of(browser.get("/login"))
    assert browser.get("/login/reset").status == 404
    assert (
        browser.post("/login", [("email", "ben@example.com"), ("password", PASSWORD)]).status == 303
    )
