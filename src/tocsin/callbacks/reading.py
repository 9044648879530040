"""Reading what a service posts, within bounds, and opening the destination that it is about."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from tocsin.access.vault import Vault, VaultError
from tocsin.delivery.channels.registry import CHANNELS, join
from tocsin.model import Actor, ActorKind
from tocsin.store.queries.callbacks import CallingDestination

BODY_LIMIT = 65_536
BODY_SECONDS = 10.0
"""For the body to arrive; services send it in one piece."""
_MOST_FIELDS = 500


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The body is too long, or comes too slowly, or is not such a form."""


async def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes | TooMuch:
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    return TooMuch()
    except TimeoutError:
        return TooMuch()
    return body


def fields_of(body: bytes) -> tuple[tuple[str, str], ...] | TooMuch:
    """The fields of a form in their order, empty ones too: they are signed like the others."""
    try:
        text = body.decode("utf-8", "replace")
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return TooMuch()


def config_of(destination: CallingDestination, vault: Vault) -> Any:
    """Its config with the secrets; None if that cannot be read, or is of a type no longer known."""
    if destination.type not in CHANNELS:
        return None
    secret: dict[str, Any] = {}
    try:
        if destination.secret_config is not None:
            secret = json.loads(vault.open(destination.secret_config).reveal())
        return join(destination.type, destination.config, secret)
    except (VaultError, ValueError):
        return None


def actor_of(destination: CallingDestination) -> Actor:
    """Who answers: the person whose contact method it is, else whoever reads the destination."""
    if destination.user_id is not None and destination.user_name is not None:
        return Actor(ActorKind.USER, destination.user_name, destination.user_id)
    return Actor(ActorKind.RECIPIENT, destination.name, destination.id)
