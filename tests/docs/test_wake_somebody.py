"""`how-to/wake-somebody.md`, on a hub of its own whose mail is read: codes are those that came."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.cli.program import Program
from tests.docs.pages import ROOT, Command, commands, run
from tests.support.ports import free_port

PAGE = ROOT / "docs" / "how-to" / "wake-somebody.md"
_VERIFIES = re.compile(r"(tocsin user contact verify (\S+) \S+) \d{6}")


PATIENCE = 60.0


@dataclass
class Post:
    """What came for whom, in order."""

    mails: list[tuple[str, str]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        text = f"{message['subject']}\n{body.get_content()}"
        with self.arrived:
            self.mails += [(recipient, text) for recipient in envelope.rcpt_tos]
            self.arrived.notify_all()
        return "250 OK"

    def about(self, words: str) -> list[tuple[str, str]]:
        """To whom mails came that say so, with their text. Waits for the first."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self._saying(words), PATIENCE), self.mails
            return self._saying(words)

    def _saying(self, words: str) -> list[tuple[str, str]]:
        return [(to, text) for to, text in self.mails if words in f"{to} {text}"]

    def code(self, recipient: str) -> str:
        """The code that came last."""
        _, text = self.about(recipient)[-1]
        found = re.search(r"\b\d{6}\b", text)
        assert found is not None, text
        return found[0]


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    port, post = free_port(), Post()
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    yield post, port
    controller.stop()


def test_a_newcomer_wakes_somebody(tmp_path: Path, post: tuple[Post, int]) -> None:
    received, port = post
    program = Program(
        {
            "TOCSIN_DATA_DIR": str(tmp_path / "data"),
            "TOCSIN_SMTP_URL": f"smtp://127.0.0.1:{port}?tls=none",
            "TOCSIN_MAIL_FROM": "tocsin@example.org",
            "TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8",
        }
    )
    with program.serving():
        for command in commands(PAGE):
            if command.text.startswith("tocsin act acknowledge"):
                received.about("Shop is down")
            run(_with_its_code(command, received), tmp_path, program)
    # Whoever is on call, and nobody else: it was acknowledged.
    ((paged, _),) = received.about("Shop is down")
    assert paged in ("ana@example.org", "ben@example.org")


def _with_its_code(command: Command, post: Post) -> Command:
    """A reader types the code that came, not the one on the page."""
    typed = _VERIFIES.fullmatch(command.text)
    if typed is None:
        return command
    return replace(command, text=f"{typed[1]} {post.code(typed[2])}")
