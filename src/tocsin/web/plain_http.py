"""HTTP/1.1 and no other protocol.

uvicorn takes a request with `Upgrade` to be the end of HTTP on its connection: it starts the
request without its body, and reads the body as the next request. No other protocol is served here,
so `Upgrade` is ignored (RFC 9110, 7.8): Java's HttpClient, for one, sends it with every request.
"""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_INVALID = "Invalid HTTP request received."
_NO_HOST = "A request of HTTP/1.1 names its host, once."
_CONNECT = "This is no proxy: CONNECT is not known here."


class PlainHttp(HttpToolsProtocol):
    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # It has read the head, and would read no further.
                rest = memoryview(rest)[upgrade.args[0] :]
                if self.parser.get_method() == b"CONNECT":
                    self.send_400_response(_CONNECT)
                    return
                if not self._read_head_anew():
                    return
            except httptools.HttpParserError:
                self.send_400_response(_INVALID)
                return

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        hosts = 0
        for name, _ in self.headers:
            if name == b"host":
                hosts += 1
        if hosts == 1 or (hosts == 0 and self.parser.get_http_version() == "1.0"):
            super().on_headers_complete()
            return
        # RFC 9112, 3.2.
        served, self.app = self.app, _refusing(_NO_HOST)
        try:
            super().on_headers_complete()
        finally:
            self.app = served

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _read_head_anew(self) -> bool:
        """Give a new parser the same head without what asked for another protocol; returns whether
        it could."""
        line = (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        head = [b"%b %b HTTP/%b" % line]
        for name, value in self.headers:
            if name == b"connection":
                options = (option.strip() for option in value.split(b","))
                value = b", ".join(option for option in options if option.lower() != b"upgrade")
            if name != b"upgrade":
                head.append(b"%b: %b" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self.parser.feed_data(b"\r\n".join((*head, b"", b"")))
        except httptools.HttpParserError:
            self.send_400_response(_INVALID)
            return False
        return True


def _refusing(message: str) -> Any:
    """An application that answers 400, and ends the connection, when it is this request's turn."""
    body = message.encode()

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return refuse
