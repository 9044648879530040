"""One request to a server, with the standard library: the program says exactly what is sent."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit


class NoServer(Exception):
    """Nothing answered; the text says why."""


def request(
    method: str, url: str, body: bytes, headers: Mapping[str, str], *, timeout: float
) -> tuple[int, bytes]:
    """Status and body of the answer; redirects are answers like any other.

    Raises:
        NoServer: if there is none within `timeout` seconds.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoServer("the address must read http://host:port")
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NoServer(getattr(error, "strerror", None) or str(error) or "timed out") from None
    finally:
        connection.close()
