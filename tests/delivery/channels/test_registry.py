from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from tests.delivery.channels import services
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.registry import (
    CHANNELS,
    ValidConfig,
    build_channels,
    join,
    split_secrets,
    validate_config,
)
from tocsin.delivery.outbound import AddressPolicy, Outbound

KINDS = list(CHANNELS)
BASE = "https://receiver.example"


def valid(kind: str, **more: Any) -> ValidConfig:
    checked = validate_config(kind, services.document(kind, BASE, **more))
    assert isinstance(checked, ValidConfig), checked
    return checked


def faults(kind: str, document: Any, **options: Any) -> list[tuple[str, str]]:
    found = validate_config(kind, document, **options)
    assert isinstance(found, list), found
    return [(fault.pointer, fault.code) for fault in found]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_split_can_be_joined_again(kind: str) -> None:
    checked = valid(kind, timezone="Europe/Berlin")
    split = split_secrets(checked)

    assert services.SECRET not in repr(split.public)
    assert split.public["timezone"] == "Europe/Berlin"
    assert join(kind, split.public, split.secret) == checked.config


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_sent_back_as_it_was_shown_keeps_its_secrets(kind: str) -> None:
    stored = valid(kind)
    shown = split_secrets(stored).public

    again = validate_config(kind, {**shown, "timezone": "Asia/Tokyo"}, stored=stored.config)

    assert isinstance(again, ValidConfig)
    assert again.config == stored.config.model_copy(update={"timezone": "Asia/Tokyo"})


def test_a_secret_that_is_left_out_keeps_its_value_and_a_new_one_replaces_it() -> None:
    stored = valid("webhook")
    moved = validate_config("webhook", {"url": "https://new.example/"}, stored=stored.config)

    assert isinstance(moved, ValidConfig)
    assert moved.config.secret == stored.config.secret  # type: ignore[attr-defined]
    assert moved.config.url == "https://new.example/"  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_has_its_place(kind: str) -> None:
    document = services.document(kind, BASE, timezone="Mars/Olympus", colour="red")

    assert set(faults(kind, document)) == {
        ("/timezone", "unknown-timezone"),
        ("/colour", "extra-forbidden"),
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_what_is_no_object_is_a_fault_of_the_whole(kind: str, document: Any) -> None:
    assert [pointer for pointer, _ in faults(kind, document)] == [""]


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_repeats_a_value(kind: str) -> None:
    document = dict.fromkeys(services.document(kind, BASE), f"{services.SECRET} x")
    found = validate_config(kind, {**document, "timezone": services.SECRET})

    assert isinstance(found, list)
    assert services.SECRET not in repr(found)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "Europe", "\0", "Europe/Berlin\n", "x" * 500]
)
def test_only_a_known_timezone_is_one(name: str) -> None:
    document = {"url": BASE, "timezone": name}

    assert faults("webhook", document) == [("/timezone", "unknown-timezone")]


@pytest.mark.parametrize("kind", ["webhook", "teams", "slack"])
def test_a_url_is_held_against_the_policy_when_it_is_entered(kind: str) -> None:
    inside = {"url": "http://127.0.0.1:9000/hook"}
    nobody, loopback = AddressPolicy(), AddressPolicy.of([ip_network("127.0.0.0/8")])

    assert faults(kind, inside, policy=nobody) == [("/url", "url")]
    assert isinstance(validate_config(kind, inside, policy=loopback), ValidConfig)
    assert faults(kind, {"url": "http://8.8.8.8/"}, policy=loopback) == [("/url", "url")]


@pytest.mark.parametrize("kind", KINDS)
def test_those_who_share_a_limit_share_a_bucket(kind: str) -> None:
    channel = CHANNELS[kind]
    one, same = valid(kind).config, valid(kind, timezone="Asia/Tokyo").config

    assert channel.bucket(one) == channel.bucket(same)
    assert services.SECRET not in channel.bucket(one)


def test_every_kind_is_built() -> None:
    built = build_channels(Parts(Outbound(AddressPolicy())))

    assert {kind: type(channel) for kind, channel in built.items()} == dict(CHANNELS)


def test_a_stored_config_that_no_longer_fits_says_so_without_values() -> None:
    with pytest.raises(ValidationError) as broken:
        join("webhook", {}, {"url": f"nonsense {services.SECRET}"})

    assert services.SECRET not in str(broken.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_shows_no_secret_in_its_repr(kind: str) -> None:
    assert services.SECRET not in repr(valid(kind).config)
