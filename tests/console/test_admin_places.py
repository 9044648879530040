"""What admins look after besides people: tenants, workspaces, and how long history is kept."""

from __future__ import annotations

import re

import pytest

from tests.console.site import Site, text_of
from tests.console.test_alert_pages import alert

PAGES = ("/admin/retention", "/admin/tenants", "/admin/tenants/new", "/admin/workspaces")


@pytest.mark.parametrize("path", PAGES)
def test_only_admins_see_and_change_them(site: Site, path: str) -> None:
    for name in ("Ben", "Vera"):
        browser = site.browser(name)
        answer = browser.get(path)
        assert answer.status == 303
        assert "retention" not in text_of(browser.follow(answer)).lower()
        if path != "/admin/retention":
            fields = {"act": "make", "name": "x", "slug": "x", "new-name": "x", "new-slug": "x"}
            assert browser.submit(path, fields).status in (403, 405)
    assert site.sql("SELECT count(*) FROM tenants WHERE slug = 'x'") == [(0,)]
    assert site.sql("SELECT count(*) FROM workspaces WHERE slug = 'x'") == [(0,)]


def test_what_is_kept_and_what_would_go(site: Site) -> None:
    alert(site, "disk")
    site.sql("UPDATE webhook_deliveries SET created_at = now() - interval '40 days'")
    browser = site.browser("Ana")
    words = text_of(browser.get("/admin/retention"))
    assert (
        "Webhooks what senders sent, and what became of it 90 days default 1 40 d ago nothing"
        in words
    )
    assert "In all workspaces" in words
    assert "not yet" in words
    site.sql(
        "INSERT INTO retention_passes (kind, began_at, deleted, last_deleted_at, last_deleted)"
        " VALUES ('webhooks', now(), 12345, now(), 12345)"
    )
    tried = text_of(browser.get("/admin/retention?days=30"))
    assert "This is only a look: nothing is deleted by it." in tried
    assert "90 days default 1 40 d ago 1" in tried
    assert "at it for" in tried
    assert "12,345" in tried
    for wrong in ("0", "-3", "many", "99999999999", "%EF%BC%91"):
        assert "This is only a look" not in text_of(browser.get(f"/admin/retention?days={wrong}"))


def test_another_workspace_sees_its_own_numbers(site: Site) -> None:
    alert(site, "disk")
    words = text_of(site.browser("Otto").get("/admin/retention"))
    assert "In Other" in words
    assert "In all workspaces" not in words
    assert "On disk" not in words
    assert "Webhooks what senders sent, and what became of it 90 days default 0" in words


def test_a_tenant_is_made_renamed_and_deleted(site: Site) -> None:
    browser = site.browser("Ana")
    assert 'href="/board"' not in browser.get("/").body.decode()
    browser.get("/admin/tenants/new")
    made = browser.submit("/admin/tenants/new", {"name": "Acme & Söhne Ltd", "slug": ""})
    assert "“Acme & Söhne Ltd” is there." in text_of(browser.follow(made))
    ((tenant_id, slug),) = site.sql("SELECT id, slug FROM tenants WHERE name LIKE 'Acme%%'")
    assert slug == "acme-s-hne-ltd"
    assert 'href="/board"' in browser.get("/").body.decode()

    browser.get("/admin/tenants/new")
    twice = browser.submit("/admin/tenants/new", {"name": "Other", "slug": slug})
    assert twice.status == 422
    assert 'id="slug-wrong"' in twice.body.decode()
    assert "Another one has this slug already." in text_of(twice)
    bad = browser.submit("/admin/tenants/new", {"name": "", "slug": "Not A Slug"})
    assert {'id="name-wrong"', 'id="slug-wrong"'} <= set(
        re.findall(r'id="(?:name|slug)-wrong"', bad.body.decode())
    )

    here = f"/admin/tenants/{tenant_id}"
    assert "Acme & Söhne Ltd" in text_of(browser.get(here))
    saved = browser.follow(browser.submit(here, {"name": "Acme", "slug": "acme"}))
    assert "“Acme” is saved." in text_of(saved)
    assert text_of(browser.get("/admin/tenants?q=ACM")).count("acme") == 1
    assert "No tenant is called that" in text_of(browser.get("/admin/tenants?q=nobody"))

    site.api.made("/integrations", {"name": "shop", "type": "generic", "tenant_id": str(tenant_id)})
    kept = browser.follow(browser.submit(f"{here}/change", {"act": "delete"}))
    assert "Integrations belong to it: shop." in text_of(kept)
    site.sql("DELETE FROM integrations")
    gone = browser.follow(browser.submit(f"{here}/change", {"act": "delete"}))
    assert "its alerts stay on record" in text_of(gone)
    assert browser.get(here).status == 404
    kept_of_it = site.api.get("/audit-events", object_id=str(tenant_id)).json()["items"]
    assert [each["action"] for each in kept_of_it] == ["deleted", "updated", "created"]
    assert {each["actor"]["name"] for each in kept_of_it} == {"Ana"}


def test_anothers_tenant_is_not_there(site: Site) -> None:
    tenant = site.api.made("/tenants", {"slug": "acme", "name": "Acme"})
    stranger = site.browser("Otto")
    assert "acme" not in text_of(stranger.get("/admin/tenants"))
    here = f"/admin/tenants/{tenant['id']}"
    assert stranger.get(here).status == 404
    stranger.get("/")
    assert stranger.submit(here, {"name": "Mine", "slug": "mine"}).status == 404
    stranger.submit(f"{here}/change", {"act": "delete"})
    assert site.sql("SELECT name, deleted_at FROM tenants WHERE id = %s", tenant["id"]) == [
        ("Acme", None)
    ]


def test_the_default_tenant_stays(site: Site) -> None:
    ((tenant_id,),) = site.sql(
        "SELECT id FROM tenants WHERE workspace_id = %s AND slug = 'default'", site.workspace_id
    )
    browser = site.browser("Ana")
    page = browser.get(f"/admin/tenants/{tenant_id}").body.decode()
    assert 'value="delete"' not in page
    said = browser.follow(browser.submit(f"/admin/tenants/{tenant_id}/change", {"act": "delete"}))
    assert "Every workspace needs its tenant `default`." in text_of(said)


def test_many_tenants_come_in_pages(site: Site) -> None:
    site.sql(
        "INSERT INTO tenants (id, workspace_id, slug, name)"
        " SELECT gen_random_uuid(), %s, 't' || n, 'T' || n FROM generate_series(1, 150) AS n",
        site.workspace_id,
    )
    browser, seen, path = site.browser("Ana"), set[str](), "/admin/tenants"
    for _ in range(2):
        body = browser.get(path).body.decode()
        seen |= set(re.findall(r'data-row="([^"]+)"', body))
        found = re.search(r'class="more link" href="([^"]+)"', body)
        if found is None:
            break
        path = "/admin/tenants" + found[1].replace("&amp;", "&")
    assert len(seen) == 151
    assert browser.get("/admin/tenants?after=nonsense").status == 200


def test_the_workspace_is_renamed_and_gets_a_fallback(site: Site) -> None:
    destination = site.api.made(
        "/alert-destinations",
        {"name": "mail", "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    browser = site.browser("Ana")
    browser.get("/admin/workspaces")
    fields = {"act": "save", "name": "Operations", "fallback_destination_id": destination["id"]}
    assert "Saved." in text_of(browser.follow(browser.submit("/admin/workspaces", fields)))
    (own,) = site.api.get("/workspaces").json()["items"]
    assert (own["name"], own["fallback_destination_id"]) == ("Operations", destination["id"])
    page = browser.get("/admin/workspaces").body.decode()
    assert f'<option value="{destination["id"]}" selected>' in page
    wrong = browser.submit("/admin/workspaces", {**fields, "name": ""})
    assert wrong.status == 422
    assert 'id="name-wrong"' in wrong.body.decode()
    none = {**fields, "fallback_destination_id": ""}
    browser.follow(browser.submit("/admin/workspaces", none))
    assert site.api.get("/workspaces").json()["items"][0]["fallback_destination_id"] is None


def test_admins_of_default_see_and_make_workspaces(site: Site) -> None:
    browser = site.browser("Ana")
    words = text_of(browser.get("/admin/workspaces"))
    assert "All workspaces" in words
    assert "Other other 0 0" in words
    made = browser.submit(
        "/admin/workspaces", {"act": "make", "new-name": "Night shift", "new-slug": "night-shift"}
    )
    found = re.search(r'id="secret">(tsn_[^<]+)<', made.body.decode())
    assert found is not None
    inside = type(site.api)(site.api.base_url, found[1])
    assert inside.get("/me").json()["workspace"]["slug"] == "night-shift"
    assert found[1] not in browser.get("/admin/workspaces").body.decode()
    for slug, field in (("night-shift", "new-slug"), ("Not A Slug", "new-slug")):
        wrong = browser.submit(
            "/admin/workspaces", {"act": "make", "new-name": "x", "new-slug": slug}
        )
        assert wrong.status == 422
        assert f'id="{field}-wrong"' in wrong.body.decode()
    assert "Night shift" in text_of(browser.get("/admin/workspaces?q=night"))


def test_other_admins_see_their_own_workspace(site: Site) -> None:
    browser = site.browser("Otto")
    words = text_of(browser.get("/admin/workspaces"))
    assert "All workspaces" not in words
    assert "Add a workspace" not in words
    refused = browser.submit("/admin/workspaces", {"act": "make", "new-name": "x", "new-slug": "x"})
    assert "Only admins of the workspace `default` make workspaces." in text_of(refused)
    assert site.sql("SELECT count(*) FROM workspaces") == [(2,)]
