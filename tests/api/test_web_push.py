from __future__ import annotations

from tests.api.conftest import Hub
from tocsin.delivery.channels.kit import web_push


def test_the_key_for_browsers_is_made_once_and_kept_encrypted(hub: Hub) -> None:
    first = hub.viewer.get("/web-push-key").json()["public_key"]

    assert hub.stranger.get("/web-push-key").json()["public_key"] == first
    raw = web_push.decode(first)
    assert (len(raw), raw[0]) == (65, 4)  # a point of the curve, as a browser takes it
    [(name, sealed)] = hub.sql("SELECT name, sealed FROM installation_secrets")
    assert name == "web-push"
    assert raw not in bytes(sealed)
