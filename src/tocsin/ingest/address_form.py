"""Fields behind the `?` of an address are a form without a body: Uptime Kuma sends so by GET,
UptimeRobot and StatusCake where no body is set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


def has_fields(scope: Mapping[str, Any]) -> bool:
    """Whether a GET says anything; one of a bare address is somebody who looks what is there."""
    return scope["method"] == "GET" and b"=" in scope.get("query_string", b"")


def content_of(scope: Mapping[str, Any], headers: dict[str, str], body: bytes) -> bytes:
    """The body, or else the fields in the address, which `headers` then call what they are."""
    query: bytes = scope.get("query_string", b"")
    if body.strip() or b"=" not in query:
        return body
    headers["content-type"] = _MEDIA_TYPE
    return query
