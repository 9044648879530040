"""Completion in the query bar, and saved views, over a real server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.site import Browser, Site, text_of
from tests.console.test_alert_pages import alert
from tocsin.console.alerts import view_pages
from tocsin.console.alerts.completion import TypedTerm, read_term


@pytest.mark.parametrize(
    ("term", "asked"),
    [
        ("", TypedTerm("", None, "")),
        ("sev", TypedTerm("", None, "sev")),
        ("-ho", TypedTerm("-", None, "ho")),
        ("severity:", TypedTerm("severity:", "severity", "")),
        ("severity:critical,hi", TypedTerm("severity:critical,", "severity", "hi")),
        ("-host!=db", TypedTerm("-host!=", "host", "db")),
        ('"team:ops on', TypedTerm('"team:', "team", "ops on")),
    ],
)
def test_what_is_being_typed(term: str, asked: TypedTerm) -> None:
    assert read_term(term) == asked


def offers(browser: Browser, term: str) -> list[str]:
    found: list[dict[str, Any]] = browser.get(f"/alerts/complete?term={term}").json()
    return [each["term"] for each in found]


def test_names_then_values_of_this_workspace(site: Site) -> None:
    for number, host in enumerate(("db-1", "db-2", "web-1", "web-1")):
        alert(site, f"a{number}", labels={"host": host, "team": "night shift"})
    vera, otto = site.browser("Vera"), site.browser("Otto")
    assert offers(vera, "ho") == ["host:"]
    assert offers(vera, "s") == ["severity:", "status:", "source:"]
    assert offers(vera, "host:") == ["host:web-1", "host:db-1", "host:db-2"]
    assert offers(vera, "host:web-1,db") == ["host:web-1,db-1", "host:web-1,db-2"]
    assert offers(vera, "-host:DB") == ["-host:db-1", "-host:db-2"]
    assert offers(vera, "team:n") == ['"team:night shift"']
    assert offers(vera, "severity:c") == ["severity:critical"]
    assert offers(vera, "source:pr") == ["source:probe"]
    assert offers(vera, "owner:") == ["owner:nobody", "owner:Ana", "owner:Ben", "owner:Vera"]
    assert offers(vera, "host:%25") == []
    assert offers(otto, "host:") == offers(otto, "ho") == offers(otto, "source:") == []
    assert offers(otto, "owner:") == ["owner:nobody", "owner:Otto"]


def test_what_a_query_finds_is_what_was_offered(site: Site) -> None:
    alert(site, "one", labels={"team": "night shift"})
    alert(site, "two", labels={"team": "day shift"})
    vera = site.browser("Vera")
    (term,) = offers(vera, "team:n")
    words = text_of(vera.get(f"/alerts?q={term.replace(' ', '+')}"))
    assert "one" in words
    assert "two" not in words
    for name in ("tenant", "source", "type", "status"):
        first = offers(vera, f"{name}:")[0]
        assert "one" in text_of(vera.get(f"/alerts?q={first}")), first


def test_a_view_is_kept_shown_counted_and_deleted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_pages, "COUNTING_SECONDS", 60.0)
    alert(site, "one", severity="critical")
    alert(site, "two", severity="low")
    ana, vera, otto = (site.browser(name) for name in ("Ana", "Vera", "Otto"))
    query = "severity:critical"
    ana.get(f"/alerts?q={query}")
    ana.follow(ana.submit("/alerts/views", {"q": query, "name": "Worst", "is_shared": "yes"}))
    ana.submit("/alerts/views", {"q": query, "name": "Mine only"})
    assert "Worst" in text_of(ana.get("/alerts"))
    assert "Mine only" in text_of(ana.get("/alerts"))
    assert "Worst" in text_of(vera.get("/alerts"))
    assert "Mine only" not in text_of(vera.get("/alerts"))
    assert "Worst" not in text_of(otto.get("/alerts"))
    counts = vera.get("/alerts/views/counts").json()
    assert counts[query] == "1"
    (view_id,) = site.sql("SELECT id FROM saved_views WHERE name = 'Worst'")[0]
    vera.get("/alerts")
    vera.submit(f"/alerts/views/{view_id}/delete", {})
    otto.get("/alerts")
    otto.submit(f"/alerts/views/{view_id}/delete", {})
    assert len(site.sql("SELECT FROM saved_views")) == 2
    ana.get("/alerts")
    ana.submit(f"/alerts/views/{view_id}/delete", {})
    assert site.sql("SELECT name FROM saved_views") == [("Mine only",)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"q": "severity:dreadful", "name": "x"}, "Not saved"),
        ({"q": "status:open", "name": " "}, "A view has a name"),
        ({"q": "status:open", "name": "x", "is_shared": "yes"}, "role responder"),
    ],
)
def test_what_cannot_be_kept_is_said(site: Site, fields: dict[str, str], words: str) -> None:
    vera = site.browser("Vera")
    vera.get("/alerts")
    assert words in text_of(vera.follow(vera.submit("/alerts/views", fields)))
    assert site.sql("SELECT FROM saved_views") == []


def test_facets_beside_the_list(site: Site) -> None:
    for number, host in enumerate(("db-1", "db-1", "web-1", "web-1")):
        alert(site, f"a{number}", severity="high", labels={"host": host, "id": str(number)})
    vera = site.browser("Vera")
    beside = text_of(vera.get("/alerts/facets?q=status:open+severity:high"))
    assert "High 4" in beside
    assert "Critical 0" in beside
    assert "db-1 2" in beside
    assert "a0" not in beside
    assert "db-1 2" in text_of(vera.get("/alerts?q=status:open&facets=1"))
    assert "db-1 2" not in text_of(site.browser("Otto").get("/alerts/facets"))
