from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import Field

from tests.delivery.channels import services
from tocsin.delivery.channels.addresses import addresses_of, masked, with_addresses_masked
from tocsin.delivery.channels.base import ChannelConfig
from tocsin.delivery.channels.email import EmailConfig
from tocsin.delivery.channels.registry import CHANNELS, ValidConfig, validate_config


class Loudness(StrEnum):
    LOUD = "loud"


class OfALaterChannel(ChannelConfig):
    """As somebody may write one who knows nothing of this."""

    number: str
    others: Annotated[list[str], Field(max_length=3)]
    details: dict[str, str]
    dialect: Literal["plain", "markdown"] = "plain"
    loudness: Loudness | None = Loudness.LOUD
    digits: int = 4
    is_short: bool = False


CONFIG = OfALaterChannel(
    number="+4366012345678", others=["ana@example.org"], details={"device": "pixel"}
)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ana.lee@example.org", "a…@example.org"),
        ("@example.org", "…@example.org"),
        ("+4366012345678", "…78"),
        ("1234", "…"),
        ("https://example.org/hook/secret@part", "…"),
        ("pixel", "…"),
        ("", "…"),
    ],
)
def test_what_others_see_of_an_address(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_whatever_is_typed_in_is_an_address() -> None:
    assert addresses_of(CONFIG) == ["ana@example.org", "+4366012345678", "pixel"]
    assert with_addresses_masked(OfALaterChannel, CONFIG.model_dump(mode="json")) == {
        "timezone": "UTC",
        "number": "…78",
        "others": ["a…@example.org"],
        "details": {"device": "…"},
        "dialect": "plain",
        "loudness": "loud",
        "digits": 4,
        "is_short": False,
    }


def test_what_a_channel_does_not_know_is_masked_too() -> None:
    assert with_addresses_masked(EmailConfig, {"phone": "+4366012345678"}) == {"phone": "…78"}


@pytest.mark.parametrize("kind", CHANNELS)
def test_no_address_of_any_channel_is_left(kind: str) -> None:
    model = CHANNELS[kind].config_model
    checked = validate_config(kind, services.document(kind, "https://receiver.example"))
    assert isinstance(checked, ValidConfig)
    config = checked.config
    addresses = addresses_of(config)
    assert addresses
    shown = repr(with_addresses_masked(model, config.model_dump(mode="json")))
    assert not [address for address in addresses if address in shown]
