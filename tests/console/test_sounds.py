"""Which views are heard."""

from __future__ import annotations

from tests.console.site import Site
from tocsin.console.alerts.sounds import sound_of, with_sound


def test_wishes_by_view() -> None:
    wishes = with_sound({"theme": "dark"}, "status:open", "HIGH")
    assert wishes["theme"] == "dark"
    assert sound_of(wishes, "status:open") == "HIGH"
    assert sound_of(wishes, "severity:critical") == ""
    assert sound_of(with_sound(wishes, "status:open", ""), "status:open") == ""
    assert sound_of(with_sound(wishes, "status:open", "LOUD"), "status:open") == ""
    assert sound_of({"sounds": "odd"}, "status:open") == ""
    for number in range(80):
        wishes = with_sound(wishes, f"host:{number}", "CRITICAL")
    assert len(wishes["sounds"]) == 50


def test_it_is_ones_own(site: Site) -> None:
    vera = site.browser("Vera")
    vera.get("/alerts")
    saved = vera.submit("/alerts/sound", {"q": "status:open", "sound": "CRITICAL"})
    assert saved.headers["location"] == "/alerts?q=status%3Aopen"
    assert site.sql("SELECT name FROM users WHERE preferences ? 'sounds'") == [("Vera",)]
    vera.get("/me")
    vera.submit("/me", {"act": "looks", "theme": "dark", "keys": "on"})
    assert site.sql("SELECT count(*) FROM users WHERE preferences ? 'sounds'") == [(1,)]
