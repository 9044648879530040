"""What every channel is: a config, its secrets, its rates, and one way to send."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.kit.web_push import VapidKey
from tocsin.delivery.outbound import AddressPolicy, Outbound, UrlRefused, check_url
from tocsin.delivery.outcome import Outcome, Progress
from tocsin.message import Links, Message
from tocsin.settings import SmtpServer, TwilioAccount

LinksFor = Callable[[str], Links]
"""Links for one reader. The argument names the reader (a mail address; for a channel that many
read, the destination's name) and becomes the actor of what is done through the link."""


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # Not found is a KeyError; a path or a NUL is a ValueError; a directory an OSError.
        raise PydanticCustomError(
            "unknown-timezone", "is not an IANA timezone name such as Europe/Berlin"
        ) from None
    return name


Timezone = Annotated[str, AfterValidator(_known_timezone)]


def is_entering(info: ValidationInfo) -> bool:
    """Whether a person enters the config now, rather than a stored one being read: only then are
    expensive checks made."""
    return bool(info.context and info.context.get("entering"))


def _reachable_url(text: str, info: ValidationInfo) -> str:
    policy = info.context.get("policy") if info.context else None
    try:
        check_url(text, policy if isinstance(policy, AddressPolicy) else None)
    except UrlRefused as refused:
        # As a parameter: braces in a message would be read as places to fill.
        raise PydanticCustomError("url", "{reason}", {"reason": refused.message}) from None
    return text


Url = Annotated[str, AfterValidator(_reachable_url)]
"""An http(s) URL, kept byte for byte. With `{"policy": AddressPolicy}` as validation context also
checked against it, as far as that goes without a look-up."""


def _one_is_several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


ONE_OR_MORE = BeforeValidator(_one_is_several)
"""Of a field that is a list: a lone text is a list of one, so that a person who enters one need not
know that there may be more."""


class ChannelConfig(BaseModel):
    """Base of every destination config: unknown fields are refused, errors never show a value."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    bound_secrets: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Secrets that go to whatever these fields name: with another value there they have to be entered
    again, or who may change a destination could have them sent to himself."""

    timezone: Timezone = Field(
        default="UTC", description="Of the times in messages, such as Europe/Vienna"
    )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one bucket may be sent to, over all nodes; `per_second` None is as fast as
    `concurrency` lets it."""

    per_second: float | None = 20.0
    burst: int = 20
    per_hour: int | None = None
    concurrency: int = 4


VapidKeys = Callable[[], Awaitable[VapidKey | None]]
"""The key that browsers know this installation by, made at its first use; None: it cannot be read."""

Earlier = Callable[[UUID], Awaitable[Mapping[str, Any] | None]]
"""What the last message about the same alert, or the same group, to the same destination left in its
progress, by the id of the message that is to be sent."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What channels need of the installation, made once at start. `public_url` is how readers
    reach it, `callbacks` how services do, None where nobody has said; `smtp` None means that mail is
    not set up; `tls` None means the system's roots."""

    outbound: Outbound
    smtp: SmtpServer | None = None
    mail_from: str | None = None
    public_url: str | None = None
    callbacks: str | None = None
    twilio: TwilioAccount | None = None
    vapid: VapidKeys | None = None
    earlier: Earlier | None = None
    tls: ssl.SSLContext | None = None


class Channel(Protocol):
    """One kind of destination. Registered in `channels/registry.py`.

    `config_model` validates the whole config, secrets included; `secret_fields` names those parts
    of it that are stored encrypted; `masked(config)` is what may be shown of them.
    `bucket(config)` keys what shares one rate limit (two destinations with one Teams URL do).
    `send` returns an outcome and raises only for faults of our own. `progress` is what the last
    attempt at this alert delivery left in its outcome, empty at first. It must end by itself
    within the time that the settings give a delivery.
    """

    kind: ClassVar[str]
    config_model: ClassVar[type[ChannelConfig]]
    secret_fields: ClassVar[frozenset[str]]
    rate: ClassVar[Rate]

    def __init__(self, parts: Parts) -> None: ...

    @staticmethod
    def masked(config: Any) -> dict[str, Any]: ...

    @staticmethod
    def bucket(config: Any) -> str: ...

    async def send(
        self, message: Message, config: Any, links_for: LinksFor, progress: Progress
    ) -> Outcome: ...
