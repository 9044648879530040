"""The settings in force, for admins: where each was set, and never a secret."""

from __future__ import annotations

from pathlib import Path

from tests.console.site import running_site, text_of
from tests.support.postgres import Database
from tocsin.model import Secret
from tocsin.settings.shapes import Given

SECRET = "https://hc.example.com/ping/very-secret"


def test_admins_see_what_is_set_where_and_no_secret(database: Database, tmp_path: Path) -> None:
    settings = {
        "retention_days": 30,
        "heartbeat_url": Secret(SECRET),
        "given": {
            "retention_days": Given("30", "TOCSIN_RETENTION_DAYS"),
            "heartbeat_url": Given(None, "tocsin.toml: heartbeat_url"),
        },
    }
    with running_site(database, tmp_path, settings=settings) as site:
        page = site.browser("Ana").get("/admin/settings")
        words = text_of(page)
        given, _, usual = words.partition("As they come")
        assert "TOCSIN_RETENTION_DAYS 30 TOCSIN_RETENTION_DAYS" in given
        assert "TOCSIN_HEARTBEAT_URL hidden tocsin.toml: heartbeat_url" in given
        assert "TOCSIN_PORT 8480 default" in usual
        assert "TOCSIN_RETENTION_DAYS" not in usual
        assert "very-secret" not in page.body.decode()
        assert "Settings in force" in text_of(site.browser("Ana").get("/admin"))
        for name in ("Ben", "Vera"):
            browser = site.browser(name)
            said = text_of(browser.follow(browser.get("/admin/settings")))
            assert "Only admins see that page." in said
            assert "TOCSIN_PORT" not in said
        nobody = site.browser().get("/admin/settings")
        assert nobody.status == 303
