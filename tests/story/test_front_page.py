"""Whoever opens the bare address finds the way."""

from __future__ import annotations

import re

from tests.support.node import Client


def test_every_place_that_the_front_page_names_is_there(client: Client) -> None:
    front = client.request("GET", "/")
    assert front.status == 200
    places = re.findall(r'href="([^"]+)"', front.body.decode())
    assert "/readyz" in places
    for place in places:
        assert client.request("GET", place).status == 200, place


def test_the_front_page_is_for_reading_only(client: Client) -> None:
    assert client.request("POST", "/").status == 405
