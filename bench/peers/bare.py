"""The least a receiver can do: check the HMAC, answer. It stores nothing."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

SECRET = os.environ.get("BENCH_SECRET", "").encode()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    given = b""
    for name, value in scope["headers"]:
        if name == b"x-webhook-signature":
            given = value
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    right = hmac.new(SECRET, body, hashlib.sha256).hexdigest().encode()
    status = 200 if hmac.compare_digest(given, right) else 401
    answer = b'{"status":"ok"}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(answer)),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
