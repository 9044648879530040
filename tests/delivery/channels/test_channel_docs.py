"""The how-tos against the code: what they ask people to enter works, and no error is unexplained."""

from __future__ import annotations

import json
import re

import pytest

from tests.delivery.channels import services
from tests.support.paths import ROOT
from tocsin.delivery.channels.kit import apprise_library
from tocsin.delivery.channels.registry import CHANNELS, ValidConfig, validate_config
from tocsin.delivery.outbound import addresses

DOCS = ROOT / "docs" / "channels"
OUTBOUND = (ROOT / "docs" / "operations" / "outbound.md").read_text(encoding="utf-8")


def page(kind: str) -> str:
    return (DOCS / f"{kind}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", list(CHANNELS))
def test_every_channel_has_a_how_to_that_the_index_names(kind: str) -> None:
    assert f"]({kind}.md)" in (DOCS / "index.md").read_text(encoding="utf-8")
    for name in CHANNELS[kind].config_model.model_fields:
        if name != "timezone":
            assert f"`{name}`" in page(kind) or f'"{name}"' in page(kind), name


@pytest.mark.parametrize("kind", list(CHANNELS))
def test_what_a_how_to_says_to_enter_is_valid(kind: str) -> None:
    [body] = re.findall(r"^POST /api/v1/alert-destinations\n(\{.*\})$", page(kind), re.MULTILINE)
    # Secrets are written as an ellipsis.
    body = body.replace('"…"', f'"{services.SECRET}"').replace("…", "x")
    document = json.loads(body)

    assert document["type"] == kind
    assert isinstance(validate_config(kind, document["config"]), ValidConfig)


def test_every_error_on_the_way_out_is_explained() -> None:
    package = ROOT / "src" / "tocsin" / "delivery"
    sources = [
        *(package / "outbound").glob("*.py"),
        package / "channels" / "kit" / "http.py",
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    codes = set(re.findall(r'(?:NoAnswer|UrlRefused|Failed|Retry)\(\s*"([a-z-]+)"', text))

    assert {"address-blocked", "throttled", "url-host"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in OUTBOUND] == []


def test_every_address_that_stays_blocked_is_named() -> None:
    named = re.search(r"These stay blocked.*?\n\n", OUTBOUND, re.DOTALL)
    assert named is not None

    assert [
        str(address) for address in addresses._METADATA if str(address) not in named.group()
    ] == []


def test_every_service_that_runs_anywhere_is_named() -> None:
    named = page("apprise")

    assert [name for name in apprise_library._SELF_HOSTED if name not in named] == []
