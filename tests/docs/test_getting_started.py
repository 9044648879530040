"""`getting-started.md` ends on a phone: its commands, with an ntfy server that is here in the place of
ntfy.sh."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program
from tests.docs.pages import ROOT, commands, run

PAGE = ROOT / "docs" / "getting-started.md"
PATIENCE = 60.0


@dataclass
class Phone:
    url: str = ""
    shown: list[dict[str, Any]] = field(default_factory=list)
    rings: threading.Condition = field(default_factory=threading.Condition)

    def show(self, message: dict[str, Any]) -> None:
        with self.rings:
            self.shown.append(message)
            self.rings.notify_all()

    def await_messages(self, count: int) -> list[dict[str, Any]]:
        with self.rings:
            assert self.rings.wait_for(lambda: len(self.shown) >= count, PATIENCE), self.shown
            return list(self.shown)


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()

    class Ntfy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            phone.show(message)
            body = json.dumps({"id": "1", "event": "message", "topic": message["topic"]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ntfy) as server:
        phone.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield phone
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.timeout(300)
def test_a_newcomer_s_phone_rings(tmp_path: Path, phone: Phone) -> None:
    program = Program(
        {"TOCSIN_DATA_DIR": str(tmp_path / "data"), "TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8"}
    )
    with program.serving():
        for command in commands(PAGE):
            if '"resolved"' in command.text:
                # Whoever ends it before it is sent is not notified of it at all.
                phone.await_messages(1)
            here = command.text.replace("https://ntfy.sh", phone.url)
            run(replace(command, text=here), tmp_path, program)
        first, second = phone.await_messages(2)[:2]
    assert "Checkout is down" in first["title"]
    assert first["priority"] == 5
    assert first["topic"] == second["topic"] == "tocsin-7f3b9c2e81d4"
    assert second["priority"] == 2
