"""The guard against the table of addresses that may and may not be reached."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tocsin.delivery.outbound import AddressPolicy, Reach

VECTORS = Path(os.environ.get("TOCSIN_VECTORS", "vectors")) / "addresses.json"


def _vectors() -> dict[str, Any]:
    if not VECTORS.exists():
        return {"block": [], "allow": []}
    vectors: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
    return vectors


@pytest.mark.skipif(not VECTORS.exists(), reason="TOCSIN_VECTORS names no folder with vectors")
def test_there_are_addresses_of_both_kinds() -> None:
    assert len(_vectors()["block"]) > 50
    assert len(_vectors()["allow"]) > 10


@pytest.mark.parametrize("address", _vectors()["block"])
def test_an_address_that_is_not_public_is_blocked(address: str) -> None:
    assert AddressPolicy().judge(address) is Reach.BLOCKED


@pytest.mark.parametrize("address", _vectors()["allow"])
def test_a_public_address_is_let_through(address: str) -> None:
    assert AddressPolicy().judge(address) is Reach.PUBLIC
