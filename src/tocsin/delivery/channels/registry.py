"""Every channel there is, and the only way to their configs.

Adding one: write `<kind>.py` with a class, list it here; docs/channels/adding-a-channel.md has the
checklist. Nothing else names the kinds: the API, the command line, the documentation and the tests
take them from here.

A config has three forms: the *document* a person sends, the validated *config* (a pydantic model
of the channel), and what is stored: a *public* part with the secrets masked, and the *secret* part
that goes into the vault.

    document ── validate_config ──► config ── split_secrets ──► public, secret
                                      ▲                              │
                                      └──────────── join ────────────┘
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from tocsin.delivery.channels.apprise import AppriseChannel
from tocsin.delivery.channels.base import Channel, ChannelConfig, Parts
from tocsin.delivery.channels.email import EmailChannel
from tocsin.delivery.channels.pagerduty import PagerDutyChannel
from tocsin.delivery.channels.push import PushChannel
from tocsin.delivery.channels.slack import SlackChannel
from tocsin.delivery.channels.sms import SmsChannel
from tocsin.delivery.channels.teams import TeamsChannel
from tocsin.delivery.channels.voice import VoiceChannel
from tocsin.delivery.channels.webhook import WebhookChannel
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import Fault

_ALL: tuple[type[Channel], ...] = (
    TeamsChannel,
    EmailChannel,
    SlackChannel,
    WebhookChannel,
    PagerDutyChannel,
    AppriseChannel,
    SmsChannel,
    VoiceChannel,
    PushChannel,
)

CHANNELS: Final[Mapping[str, type[Channel]]] = MappingProxyType(
    {channel.kind: channel for channel in _ALL}
)


class UnknownChannelError(ValueError):
    """A destination has a kind that this version does not know; a later one wrote it."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"has a type ({kind}) that is not installed here")


CONTACT_KINDS: Final = tuple(
    kind for kind in CHANNELS if kind not in (TeamsChannel.kind, PagerDutyChannel.kind)
)
"""What can be a person's own: all but what posts where many read, or pages by its own rules."""


@dataclass(frozen=True, slots=True)
class ValidConfig:
    """A config that may be stored and sent to."""

    kind: str
    config: ChannelConfig


@dataclass(frozen=True, slots=True)
class Split:
    """`public` may be shown and stored in clear; `secret` must be encrypted."""

    public: dict[str, Any]
    secret: dict[str, Any] = field(repr=False)


def build_channels(parts: Parts) -> Mapping[str, Channel]:
    """One sender per kind. `parts.outbound` must be entered for as long as they send."""
    return {kind: channel(parts) for kind, channel in CHANNELS.items()}


def validate_config(
    kind: str,
    document: Any,
    *,
    stored: ChannelConfig | None = None,
    policy: AddressPolicy | None = None,
) -> ValidConfig | list[Fault]:
    """Check what a person sent. With `stored` (the config being changed), a secret field that is
    left out or still shows its mask keeps its stored value. With `policy`, an address written out
    in a URL is checked now rather than when it is sent to. Pointers are relative to the config."""
    try:
        channel = _channel(kind)
    except UnknownChannelError as error:
        return [Fault("", "unknown-type", str(error))]
    kept: frozenset[str] = frozenset()
    if stored is not None and isinstance(document, Mapping):
        entered = document
        document = _with_stored_secrets(channel, document, stored)
        kept = frozenset(
            name for name in channel.secret_fields if entered.get(name) != document[name]
        )
    try:
        config = channel.config_model.model_validate(
            document, context={"policy": policy, "entering": True}
        )
    except ValidationError as error:
        return [_fault(each) for each in error.errors(include_input=False, include_url=False)]
    return _moved_secrets(config, stored, kept) or ValidConfig(kind, config)


def _moved_secrets(
    config: ChannelConfig, stored: ChannelConfig | None, kept: frozenset[str]
) -> list[Fault]:
    """Secrets that were kept, and would go somewhere else than where they were entered for."""
    return [
        Fault(
            f"/{name}",
            "enter-again",
            f"must be entered again with another {' or '.join(others)}",
        )
        for name, others in config.bound_secrets.items()
        if name in kept and any(getattr(config, each) != getattr(stored, each) for each in others)
    ]


def split_secrets(valid: ValidConfig) -> Split:
    """What to store of it, in clear and encrypted."""
    channel = CHANNELS[valid.kind]
    whole = valid.config.model_dump(mode="json")
    return Split(
        public={**whole, **channel.masked(valid.config)},
        secret={name: whole[name] for name in sorted(channel.secret_fields) if name in whole},
    )


def join(kind: str, public: Mapping[str, Any], secret: Mapping[str, Any]) -> ChannelConfig:
    """The config to send with, out of its stored parts.

    Raises:
        UnknownChannelError: if this version has no such channel.
        pydantic.ValidationError: if what is stored no longer fits the model; values are not shown.
    """
    return _channel(kind).config_model.model_validate({**public, **secret})


def made_secret(valid: ValidConfig, document: Mapping[str, Any]) -> str | None:
    """The secret that was made for a new config because the document gave none; None where none
    had to be."""
    channel, whole = CHANNELS[valid.kind], valid.config.model_dump(mode="json")
    made = (whole[name] for name in channel.secret_fields if document.get(name) is None)
    return next((secret for secret in made if isinstance(secret, str)), None)


def _channel(kind: str) -> type[Channel]:
    if (channel := CHANNELS.get(kind)) is None:
        raise UnknownChannelError(kind)
    return channel


def _with_stored_secrets(
    channel: type[Channel], document: Mapping[str, Any], stored: ChannelConfig
) -> dict[str, Any]:
    whole = stored.model_dump(mode="json")
    masked = channel.masked(stored)
    kept = {
        name: _unmasked(document.get(name, masked[name]), masked[name], whole[name])
        for name in channel.secret_fields
    }
    return {**document, **kept}


def _unmasked(given: Any, mask: Any, secret: Any) -> Any:
    """What was given, with every mask in it replaced by the value it hides."""
    if isinstance(given, list) and isinstance(mask, list):
        behind = dict(zip(mask, secret, strict=True))
        return [behind.get(each, each) if isinstance(each, str) else each for each in given]
    return secret if given == mask else given


def _fault(details: Mapping[str, Any]) -> Fault:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in details["loc"])
    return Fault(
        pointer="".join(f"/{step}" for step in steps),
        code=str(details["type"]).replace("_", "-"),
        message=str(details["msg"]),
    )
