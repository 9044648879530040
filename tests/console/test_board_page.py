"""The board of tenants, for whoever looks after several."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from tests.console.site import Site, text_of
from tests.console.test_alert_pages import alert


def tenant(site: Site, slug: str, name: str) -> dict[str, Any]:
    return dict(site.api.made("/tenants", {"slug": slug, "name": name}))


def give(site: Site, alert_id: str, owner: dict[str, Any]) -> None:
    site.sql("UPDATE alerts SET tenant_id = %s WHERE id = %s", owner["id"], alert_id)


def test_with_one_tenant_it_says_what_it_is_for(site: Site) -> None:
    browser = site.browser("Ana")
    assert 'href="/board"' not in browser.get("/").body.decode()
    words = text_of(browser.get("/board"))
    assert "There is only one tenant" in words
    assert "Add a tenant" in words
    assert "Add a tenant" not in text_of(site.browser("Vera").get("/board"))


def test_the_worst_tenant_stands_first_and_leads_to_its_alerts(site: Site) -> None:
    acme, beta = tenant(site, "acme", "Acme"), tenant(site, "beta", "Beta")
    give(site, alert(site, "disk is full", severity="critical"), beta)
    give(site, alert(site, "load", severity="low"), acme)
    taken = alert(site, "slow", severity="high")
    give(site, taken, beta)
    ben = site.browser("Ben")
    ben.get(f"/alerts/{taken}")
    ben.submit(f"/alerts/{taken}/act", {"act": "acknowledge"})

    vera = site.browser("Vera")
    page = vera.get("/board")
    words = text_of(page)
    assert "One tenant has something critical" in words
    assert words.index("beta") < words.index("acme") < words.index("default")
    assert "disk is full" in words
    assert 'title="Ben"' in page.body.decode()
    assert 'href="/board"' in page.body.decode(), "it is in the navigation"

    links = re.findall(r'href="(/alerts\?q=[^"]+)"', page.body.decode())
    listed = text_of(vera.get(links[0].replace("&amp;", "&")))
    assert "disk is full" in listed
    assert "slow" in listed
    assert "load" not in listed
    critical = next(each for each in links if "severity" in each)
    listed = text_of(vera.get(critical.replace("&amp;", "&")))
    assert "disk is full" in listed
    assert "slow" not in listed


def test_some_are_found_and_the_rest_comes_in_pages(site: Site) -> None:
    site.sql(
        "INSERT INTO tenants (id, workspace_id, slug, name)"
        " SELECT gen_random_uuid(), %s, 't' || n, 'T' || n FROM generate_series(1, 70) AS n",
        site.workspace_id,
    )
    browser = site.browser("Vera")
    first = browser.get("/board").body.decode()
    more = re.search(r'class="more link" href="([^"]+)"', first)
    assert more is not None
    second = browser.get(more[1].replace("&amp;", "&")).body.decode()
    rows = [set(re.findall(r'data-row="([^"]+)"', body)) for body in (first, second)]
    assert (len(rows[0]), len(rows[1])) == (50, 21)
    assert not rows[0] & rows[1]
    found = text_of(browser.get("/board?q=t70"))
    assert "1 tenant matches" in found
    assert "No tenant is called that" in text_of(browser.get("/board?q=nobody"))
    for odd in ("/board?after=nonsense", "/board?q=%00", "/board?q=%25"):
        assert browser.get(odd).status == 200


def test_names_are_text_whatever_is_in_them(site: Site) -> None:
    names = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=a>',
        "مرحبا",
        "👩‍👩‍👧 & Söhne",
        "{{ 7 * 7 }}",
        "'--",
    ]
    for number, name in enumerate(names):
        owner = tenant(site, f"odd-{number}", name)
        sender = site.api.made(
            "/integrations", {"name": f"{name} tool", "type": "generic", "tenant_id": owner["id"]}
        )
        site.sql(
            "INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload,"
            " status_code, outcome, processed_at, created_at)"
            " SELECT gen_random_uuid(), %s, 'f', '{}', 200, 'updated', at, at"
            " FROM (SELECT now() - n * interval '1 minute' AS at"
            " FROM generate_series(180, 187) AS n) AS old",
            sender["id"],
        )
    vera = site.browser("Vera")
    for name in names:
        page = vera.get("/board?" + urlencode({"q": name}))
        assert page.status == 200
        body = page.body.decode()
        assert "<script>alert" not in body
        assert "<img src=x" not in body
        assert name in text_of(page)
        assert f"{name} tool silent" in text_of(page)
        assert len(re.findall("data-row=", body)) == 1


def test_another_workspace_is_not_on_it(site: Site) -> None:
    give(site, alert(site, "ours", severity="critical"), tenant(site, "acme", "Acme"))
    words = text_of(site.browser("Otto").get("/board"))
    assert "Acme" not in words
    assert "ours" not in words
    assert "All quiet" in words
