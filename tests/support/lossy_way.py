"""A way to a server on which answers can get lost: what is sent arrives, and the sender never learns."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30.0


@dataclass
class LossyWay:
    url: str = ""
    """Of the way; what follows it is asked of the server."""
    loses_answers: bool = False
    lost: int = 0


@contextmanager
def lossy_way(base_url: str) -> Iterator[LossyWay]:
    way, there = LossyWay(), urlsplit(base_url)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            far = http.client.HTTPConnection(there.hostname or "", there.port, timeout=PATIENCE)
            far.request("POST", self.path, body, dict(self.headers))
            answer = far.getresponse()
            content = answer.read()
            far.close()
            if way.loses_answers:
                way.lost += 1
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        way.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield way
        finally:
            server.shutdown()
