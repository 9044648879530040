"""What every channel is: a config, its secrets, its rates, and one way to send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tocsin.delivery.message import Links, Message
from tocsin.delivery.outcome import Outcome
from tocsin.model import DestinationType


class ChannelConfig(BaseModel):
    """Base of every destination config: unknown fields are refused, values never shown in errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    timezone: str = Field(default="UTC", description="IANA timezone of the readers")


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one destination may be sent to, over all nodes."""

    per_second: float = 20.0
    burst: int = 20
    per_hour: int | None = None
    concurrency: int = 4


class Channel(Protocol):
    """One kind of destination. Registered in `channels/registry.py`.

    `config_model` validates the whole config, secrets included; `secret_fields` names those parts
    of it that are stored encrypted; `masked(config)` is what may be shown of them.
    `bucket(config)` keys what shares one rate limit (two destinations with one Teams URL do).
    `send` returns an outcome and raises only for faults of our own.
    """

    kind: ClassVar[DestinationType]
    config_model: ClassVar[type[ChannelConfig]]
    secret_fields: ClassVar[frozenset[str]]
    rate: ClassVar[Rate]

    def masked(self, config: Any) -> dict[str, Any]: ...

    def bucket(self, config: Any) -> str: ...

    async def send(
        self, message: Message, config: Any, links_for: Callable[[str], Links]
    ) -> Outcome: ...
