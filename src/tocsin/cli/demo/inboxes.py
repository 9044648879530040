"""Those who are notified in the demo: real receivers on real sockets, all of this machine.

The webhook receiver checks signatures as the Standard Webhooks specification asks of receivers, the
Teams workflow takes Adaptive Cards and answers 202 as Teams does, the inbox is an SMTP server.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tocsin.cli.demo.board import Board, Notice, reference
from tocsin.delivery.channels.webhook import new_secret, sign
from tocsin.model import iso, utc_now

WEBHOOK_PATH, TEAMS_PATH = "/receiver", "/teams-workflow"
_ALERT_LINK = re.compile(r"/alerts/([0-9a-f-]{36})")
_MAIL_REFERENCE = re.compile(r"\(([0-9a-f]{8})\)\s*$")
_TOLERANCE_SECONDS = 300


class Receivers:
    """`secret` is what the webhook destination signs with; `mail_port` is None without an inbox."""

    def __init__(self, base_url: str, secret: str, mail_port: int | None) -> None:
        self.webhook_url = base_url + WEBHOOK_PATH
        self.teams_url = base_url + TEAMS_PATH
        self.secret = secret
        self.mail_port = mail_port


@contextmanager
def listening(board: Board) -> Iterator[Receivers]:
    """All receivers, on free ports of 127.0.0.1, until the end."""
    secret = new_secret()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(board, secret))
    server.daemon_threads = True
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="receivers", daemon=True
    )
    thread.start()
    try:
        with _inbox(board) as mail_port:
            yield Receivers(f"http://127.0.0.1:{server.server_address[1]}", secret, mail_port)
    finally:
        server.shutdown()
        server.server_close()


def _handler(board: Board, secret: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            at = time.monotonic()
            if self.path == WEBHOOK_PATH:
                status = self._webhook(body, at)
            elif self.path == TEAMS_PATH:
                status = self._teams(body, at)
            else:
                status = 404
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _webhook(self, body: bytes, at: float) -> int:
            if not _is_signed(self.headers, body, secret):
                return 401
            document = json.loads(body)
            test = {"id": "", "title": "a test message", "severity": "INFO"}
            alert = document["alert"] or document.get("group") or test
            event = document["event_type"].removeprefix("alerts.")
            board.was_notified(
                Notice(
                    iso(utc_now()),
                    at,
                    "webhook",
                    f"{event}  {alert['title']}",
                    reference(alert["id"]),
                    proof="signature ✓",
                )
            )
            return 200

        def _teams(self, body: bytes, at: float) -> int:
            text = card_text(json.loads(body))
            found = _ALERT_LINK.search(body.decode())
            board.was_notified(
                Notice(
                    iso(utc_now()),
                    at,
                    "teams",
                    "  ".join(text[:2]),
                    reference(found[1]) if found else "",
                    proof="card",
                    text=tuple(text),
                )
            )
            return 202

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def _is_signed(headers: Any, body: bytes, secret: str) -> bool:
    """The three checks of a receiver: the id is signed, the time is near, the signature is right."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > _TOLERANCE_SECONDS:
        return False
    expected = sign(secret, webhook_id, int(timestamp), body)
    return any(
        hmac.compare_digest(expected, given)
        for given in headers.get("webhook-signature", "").split()
    )


def card_text(payload: Any) -> list[str]:
    """What a person reads on the card, line by line."""
    (attachment,) = payload["attachments"]
    lines: list[str] = []
    _read(attachment["content"]["body"], lines)
    return lines


def _read(elements: list[Any], lines: list[str]) -> None:
    for element in elements:
        kind = element["type"]
        if kind == "TextBlock":
            lines.append(element["text"])
        elif kind == "RichTextBlock":
            lines.append("".join(_inline(each) for each in element["inlines"]))
        elif kind == "ColumnSet":
            row: list[str] = []
            for column in element["columns"]:
                _read(column["items"], row)
            lines.append(": ".join(row))
        elif "items" in element:
            _read(element["items"], lines)


def _inline(inline: Any) -> str:
    return inline if isinstance(inline, str) else str(inline["text"])


class _Inbox:
    """What aiosmtpd calls with each mail."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        at = time.monotonic()
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        subject = " ".join(str(mail["Subject"]).split())
        found = _MAIL_REFERENCE.search(subject)
        self._board.was_notified(
            Notice(
                iso(utc_now()),
                at,
                "email",
                _MAIL_REFERENCE.sub("", subject).strip(),
                found[1] if found else "",
                proof=f"to {envelope.rcpt_tos[0]}",
            )
        )
        return "250 2.0.0 Ok"


@contextmanager
def _inbox(board: Board) -> Iterator[int]:
    """The SMTP server's port."""
    from aiosmtpd.smtp import SMTP

    loop = asyncio.new_event_loop()
    handler = _Inbox(board)
    server = loop.run_until_complete(
        loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0)
    )
    thread = threading.Thread(target=loop.run_forever, name="inbox", daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2)
        server.close()
