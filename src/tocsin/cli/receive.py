"""`tocsin receive`: a receiver of webhooks on this machine, to try things on.

It takes whatever is sent to it, shows it, and answers as it is told to: a receiver that works, one that
fails, one that is slow.
"""

from __future__ import annotations

import json as json_module
import signal
import threading
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, Unwritten, note, print_plain, show
from tocsin.cli.kit.tables import document, pairs
from tocsin.cli.received import WORDS, Received, Signature, check

HOST = "127.0.0.1"
BODY_LIMIT = 1_048_576
"""Bytes; beyond, the answer is 413 and the body is not read."""
READ_SECONDS = 15.0
_REMEMBERED = 10_000
"""Ids by which a repeat is known."""
_SHOWN_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")
_SHOWN_BODY = 20_000


def receive(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any that is free.")] = 8099,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file", metavar="FILE", help="Holds the destination's secret (whsec_…)."
        ),
    ] = None,
    status: Annotated[
        int, typer.Option(min=200, max=599, help="What to answer; 500 plays one that fails.")
    ] = 200,
    delay: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Answer only after 2s, say.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many requests.")
    ] = None,
    json: Json = False,
) -> None:
    """Receive webhooks on this machine and show each, until Ctrl-C.

    For a `webhook` destination with the URL it prints. Example: tocsin receive --secret-file secret.txt
    """
    from tocsin.cli.kit.arguments import span

    secret = None if secret_file is None else _secret(secret_file)
    wait = 0.0 if delay is None else span(delay, "--delay").total_seconds()
    receiver = _Receiver(secret, status, wait, count, json)
    try:
        server = _LocalReceiver((HOST, port), receiver)
    except OSError as error:
        raise Failure(
            f"cannot listen on {HOST}:{port}: {error.strerror}; another one: --port 0"
        ) from None
    with server:
        _serve(server, receiver)


def _secret(file: Path) -> str:
    from tocsin.delivery.channels.registry import validate_config

    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Failure(f"cannot read {file}: {reason}", code=Exit.USAGE) from None
    if isinstance(
        validate_config("webhook", {"url": "https://example.com/", "secret": text}), list
    ):
        raise Failure(
            f"{file} does not hold the secret of a webhook destination: whsec_ and base64",
            code=Exit.USAGE,
        )
    return text


def _serve(server: _LocalReceiver, receiver: _Receiver) -> None:
    note(f"Receiving on http://{HOST}:{server.server_port}/ and answering {receiver.status}.")
    note(f"Tocsin sends here if TOCSIN_OUTBOUND_ALLOW holds {HOST}/32. Ctrl-C ends it.")

    # Also where it was started in the background, which ignores Ctrl-C.
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.default_int_handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
    )
    thread.start()
    with suppress(KeyboardInterrupt):
        receiver.ended.wait()
    receiver.ended.set()
    server.shutdown()
    thread.join(READ_SECONDS)
    if receiver.fault is not None:
        raise receiver.fault
    note(f"{receiver.taken} request{'' if receiver.taken == 1 else 's'} received.")


class _Receiver:
    """What all requests share. One at a time is judged and shown."""

    def __init__(
        self, secret: str | None, status: int, wait: float, count: int | None, json: bool
    ) -> None:
        self.status = status
        self.wait = wait
        self.taken = 0
        self.ended = threading.Event()
        self.fault: Unwritten | None = None
        self._secret = secret
        self._count = count
        self._json = json
        self._turn = threading.Lock()
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bool:
        """Show it; False if there are enough already."""
        now = datetime.now(UTC)
        with self._turn:
            if self.ended.is_set():
                return False
            webhook_id = headers.get("webhook-id")
            received = Received(
                at=now,
                method=method,
                path=path,
                headers=headers,
                body=body,
                signature=check(headers, body, self._secret, now),
                is_repeat=webhook_id is not None and webhook_id in self._seen,
                status=self.status,
            )
            if webhook_id is not None and not received.is_repeat:
                self._seen.append(webhook_id)
            self.taken += 1
            try:
                self._show(received)
            except Unwritten as error:
                self.fault = error
                self.ended.set()
            return True

    def answered(self) -> None:
        """An answer has gone out."""
        if self._count is not None and self.taken >= self._count:
            self.ended.set()

    def _show(self, received: Received) -> None:
        if self._json:
            text = json_module.dumps(received.document()).replace("\x7f", "\\u007f")
            print_plain(text, flush=True)
        else:
            show(Group(*_lines(received)))


def _lines(received: Received) -> list[RenderableType]:
    good = received.signature in (Signature.RIGHT, Signature.UNCHECKED)
    head = Text.assemble(
        (f"{received.at:%H:%M:%S}", "bright_black"),
        (f" {received.method} ", "bold"),
        received.path,
        ("  repeat" if received.is_repeat else "", "yellow"),
    )
    if words := WORDS[received.signature]:
        head.append(f"  {words}", style="green" if good else "bold red")
    facts = pairs(indent=2)
    for name in _SHOWN_HEADERS:
        if name in received.headers:
            facts.add_row(name, Text(received.headers[name]))
    content = received.content
    body: RenderableType
    if len(received.body) > _SHOWN_BODY:
        body = Text(f"{len(received.body)} bytes; --json shows them all.")
    elif isinstance(content, str):
        body = Text(content)
    else:
        body = document(content)
    return [head, facts, Padding(body, (0, 0, 1, 2))]


class _LocalReceiver(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], receiver: _Receiver) -> None:
        self.receiver = receiver
        super().__init__(address, _ShownRequest)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that goes away is nobody's fault."""


class _ShownRequest(BaseHTTPRequestHandler):
    server: _LocalReceiver
    protocol_version = "HTTP/1.1"
    server_version = "tocsin-receive"
    sys_version = ""
    timeout = READ_SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not (length.isascii() and length.isdigit()):
            self._answer(411)
        elif int(length) > BODY_LIMIT:
            self._answer(413)
        else:
            body = self.rfile.read(int(length))
            receiver = self.server.receiver
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not receiver.take(self.command, self.path, headers, body):
                self.close_connection = True
                return
            if receiver.wait:
                receiver.ended.wait(receiver.wait)
            self._answer(receiver.status)
            receiver.answered()

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST

    def _answer(self, status: int) -> None:
        # What was not read would be taken for the next request.
        self.close_connection = self.close_connection or status in (411, 413)
        body = b"" if self.command == "HEAD" or status in (204, 304) else f"{status}\n".encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are shown on standard output, and nothing else is said of them."""
