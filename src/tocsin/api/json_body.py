"""Reading a request's body: JSON, all of it valid Unicode, within limits, or a problem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from tocsin.api.context import context_of
from tocsin.api.problem_answers import ApiProblem, invalid
from tocsin.model import Fault

_DEEPEST = 64
_LARGEST_INTEGER = 2**63 - 1


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse(body: bytes) -> Any:
    """Strict JSON.

    Raises:
        ApiProblem: `malformed-request` if it is not JSON in UTF-8, `validation-failed` if it holds
            what cannot be stored: NUL, half a surrogate pair, a number that is too large.
    """
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ApiProblem(
            "malformed-request", f"The body is not UTF-8 (byte {error.start})."
        ) from None
    except json.JSONDecodeError as error:
        raise ApiProblem(
            "malformed-request",
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
        ) from None
    except (ValueError, RecursionError):
        raise ApiProblem("malformed-request", "The body is not JSON that can be read.") from None
    faults: list[Fault] = []
    _inspect(document, "", 0, faults)
    if faults:
        raise invalid(faults)
    return document


def text_fault(value: str, pointer: str) -> Fault | None:
    if "\0" in value:
        return Fault(pointer, "nul", "text must not hold the character NUL (\\u0000)")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return Fault(pointer, "surrogate", "text must not hold half a surrogate pair")
    return None


def _inspect(value: Any, pointer: str, depth: int, faults: list[Fault]) -> None:
    if depth > _DEEPEST:
        faults.append(Fault(pointer, "too-deep", f"must not be nested deeper than {_DEEPEST}"))
    elif isinstance(value, str):
        if (fault := text_fault(value, pointer)) is not None:
            faults.append(fault)
    elif isinstance(value, dict):
        for name, member in value.items():
            if (fault := text_fault(name, pointer)) is not None:
                faults.append(fault)
            step = name.replace("~", "~0").replace("/", "~1")
            _inspect(member, f"{pointer}/{step}", depth + 1, faults)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _inspect(member, f"{pointer}/{index}", depth + 1, faults)
    elif isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            faults.append(Fault(pointer, "too-large", "the number is too large"))
    elif isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        faults.append(Fault(pointer, "too-large", "the number is too large"))


async def _read(request: Request, limit: int) -> bytes:
    too_large = ApiProblem("payload-too-large", f"The body may have {limit} bytes at most.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        raise too_large
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > limit:
            raise too_large
    return bytes(chunks)


class JsonRoute(APIRoute):
    """A route that takes its body as JSON only, and its query as text that can be stored."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def checked(request: Request) -> Response:
            faults = [
                fault
                for name, value in request.query_params.multi_items()
                for fault in (
                    text_fault(name, "/query"),
                    text_fault(value, "/query/" + name.replace("~", "~0").replace("/", "~1")),
                )
                if fault is not None
            ]
            if faults:
                raise invalid(faults)
            if takes_body:
                await _load(request)
            return await handle(request)

        return checked


async def _load(request: Request) -> None:
    settings = context_of(request.scope).settings
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            body = await _read(request, settings.max_body_bytes)
    except TimeoutError:
        raise ApiProblem(
            "request-timeout",
            f"The body did not arrive within {settings.body_timeout_seconds:g} seconds.",
        ) from None
    except ClientDisconnect:
        raise ApiProblem("malformed-request", "The body was cut off.") from None
    if body:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise ApiProblem(
                "unsupported-media-type",
                "Send the body as JSON, with the header Content-Type: application/json.",
            )
        # What Request.json() and Request.body() keep; setting it spares a second reading.
        request._json = parse(body)
    request._body = body
