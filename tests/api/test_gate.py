from __future__ import annotations

import http.client
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from structlog.testing import capture_logs

from tests.api import past
from tests.api.conftest import Hub
from tests.api.server import Client, serving
from tocsin import app
from tocsin.access.api_keys import new_key
from tocsin.access.vault import Vault
from tocsin.hub import Hub as Process
from tocsin.problems import PROBLEMS
from tocsin.settings import Settings


def test_a_key_is_256_random_bits_and_says_what_it_is() -> None:
    keys = {new_key().reveal_text() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("tsn_") and len(key) == 47 for key in keys)
    assert all(key.removeprefix("tsn_").isalnum() for key in keys)


def test_without_a_live_key_there_is_nothing(hub: Hub) -> None:
    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer tsn_",
        "Bearer tsn_unknown",
        "Basic dXNlcjpwYXNz",
        "tsn_unknown",
        "Bearer " + "tsn_" + "x" * 5000,
        "Bearer tsn_\u00e4\u00f6",
    ):
        headers = {} if header is None else {"Authorization": header}
        for method, path in (
            ("GET", "/tenants"),
            ("GET", "/no/such/address"),
            ("TRACE", "/tenants"),
            ("DELETE", "/tenants"),
        ):
            answer = hub.nobody.request(method, path, headers=headers)
            assert (answer.status, answer.slug) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_body_is_not_even_read_without_a_key(hub: Hub) -> None:
    answer = hub.nobody.request("POST", "/tenants", raw=b"{", headers={"Content-Type": "text/x"})
    assert answer.slug == "unauthorized"


def test_the_scheme_is_read_in_any_case(hub: Hub) -> None:
    answer = hub.nobody.request(
        "GET", "/tenants", headers={"Authorization": f"bearer {hub.admin.key}"}
    )
    assert answer.status == 200


def test_two_keys_at_once_are_none(hub: Hub) -> None:
    url = urlsplit(hub.admin.base_url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=10)
    connection.putrequest("GET", f"{url.path}/tenants")
    connection.putheader("Authorization", f"Bearer {hub.admin.key}")
    connection.putheader("Authorization", f"Bearer {hub.stranger.key}")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


def test_a_revoked_key_is_dead_at_once(hub: Hub) -> None:
    made = hub.admin.made("/api-keys", {"name": "ci", "role": "viewer"})
    ci = replace(hub.admin, key=made["key"])
    assert ci.get("/tenants").status == 200
    assert hub.admin.delete(f"/api-keys/{made['id']}").status == 204
    assert ci.get("/tenants").status == 401


def test_an_expired_key_is_dead(hub: Hub) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = hub.admin.made("/api-keys", {"name": "ci", "role": "viewer", "expires_at": soon})
    ci = replace(hub.admin, key=made["key"])
    assert ci.get("/tenants").status == 200
    hub.sql("UPDATE api_keys SET expires_at = now() WHERE id = %s", made["id"])
    assert ci.get("/tenants").status == 401


def test_the_last_use_is_noted_once_a_minute(hub: Hub) -> None:
    made = hub.admin.made("/api-keys", {"name": "ci", "role": "viewer"})
    assert made["last_used_at"] is None
    ci = replace(hub.admin, key=made["key"])

    def last_used() -> datetime:
        found = hub.admin.get(f"/api-keys/{made['id']}").json()["last_used_at"]
        return datetime.fromisoformat(found)

    ci.get("/tenants")
    first = last_used()
    ci.get("/tenants")
    assert last_used() == first
    hub.sql(
        "UPDATE api_keys SET last_used_at = last_used_at - interval '1 minute' WHERE id = %s",
        made["id"],
    )
    ci.get("/tenants")
    assert last_used() >= first


def test_a_role_allows_what_it_says(hub: Hub) -> None:
    sender = past.integration(hub)
    body = {"slug": "acme", "name": "Acme"}
    for client in (hub.viewer, hub.responder):
        for answer in (
            client.post("/tenants", body),
            client.patch(f"/integrations/{sender['id']}", {"is_active": False}),
            client.delete(f"/integrations/{sender['id']}"),
            client.post(f"/integrations/{sender['id']}/rotate-secret"),
            client.get("/api-keys"),
            client.post("/api-keys", {"name": "mine", "role": "admin"}),
            client.get("/audit-events"),
        ):
            assert (answer.status, answer.slug) == (403, "forbidden")
            assert "admin" in answer.json()["detail"]
    silence = {
        "matchers": [{"label": "host", "op": "=", "value": "db-1"}],
        "ends_at": "2036-01-01T00:00:00Z",
        "comment": "x",
    }
    assert hub.viewer.post("/silences", silence).slug == "forbidden"
    assert hub.responder.post("/silences", silence).status == 201


def test_an_unknown_method_is_answered_with_those_there_are(hub: Hub) -> None:
    for method, path, allowed in (
        ("DELETE", "/tenants", "GET, HEAD, POST"),
        ("OPTIONS", "/tenants", "GET, HEAD, POST"),
        ("PUT", "/tenants/0199b4a2-0000-7000-8000-000000000000", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/alert-rules/preview", "POST"),
        ("PUT", "/openapi.json", "GET, HEAD"),
    ):
        answer = hub.admin.request(method, path)
        assert (answer.status, answer.slug) == (405, "method-not-allowed")
        assert answer.headers["allow"] == allowed


def test_head_is_get_without_its_body(hub: Hub) -> None:
    get, head = hub.admin.get("/tenants"), hub.admin.request("HEAD", "/tenants")
    assert head.status == 200
    assert head.body == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_a_body_that_is_no_good_is_answered_so(hub: Hub) -> None:
    for raw, slug in (
        (b"{", "malformed-request"),
        (b"\xff\xfe", "malformed-request"),
        (b'{"slug": NaN}', "malformed-request"),
        (b'{"slug": ' + b"1" * 5000 + b"}", "malformed-request"),
        (b"[" * 100_000, "malformed-request"),
        (b"[" * 70 + b"]" * 70, "validation-failed"),
        (b'{"slug": 1e999}', "validation-failed"),
        (b'{"slug": "a\\u0000b", "name": "x"}', "validation-failed"),
        (b'{"slug": "a", "name": "\\ud800"}', "validation-failed"),
        (b'{"a\\ud800": "a"}', "validation-failed"),
        (b"null", "validation-failed"),
        (b"[]", "validation-failed"),
        (b"", "validation-failed"),
        (b" " * 1_048_577, "payload-too-large"),
    ):
        headers = {"Content-Type": "application/json"}
        answer = hub.admin.request("POST", "/tenants", raw=raw, headers=headers)
        assert answer.slug == slug, (raw[:40], answer)


def test_a_body_must_say_that_it_is_json(hub: Hub) -> None:
    raw = b'{"slug": "acme", "name": "Acme"}'
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "", "application"):
        answer = hub.admin.request(
            "POST", "/tenants", raw=raw, headers={"Content-Type": content_type}
        )
        assert (answer.status, answer.slug) == (415, "unsupported-media-type")
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert hub.admin.request("POST", "/tenants", raw=raw, headers=headers).status == 201


def test_a_body_that_does_not_come_is_not_waited_for(hub: Hub) -> None:
    url = urlsplit(hub.admin.base_url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
    connection.putrequest("POST", f"{url.path}/tenants")
    connection.putheader("Authorization", f"Bearer {hub.admin.key}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b'{"slug": ')
    response = connection.getresponse()
    assert response.status == 408
    assert b"request-timeout" in response.read()
    connection.close()


def test_the_address_of_a_problem_is_quoted(hub: Hub) -> None:
    answer = hub.admin.get("/no%00such/%ff%22<script>")
    assert answer.slug == "not-found"
    instance = answer.json()["instance"]
    assert instance.isascii()
    assert instance.startswith("/api/v1/no%00such/")
    assert "<" not in instance
    assert '"' not in instance


def test_a_fault_of_ours_is_in_the_log_and_not_in_the_answer(hub: Hub) -> None:
    hub.sql("ALTER TABLE tenants RENAME TO gone")
    with capture_logs() as log:
        answer = hub.admin.get("/tenants")
    assert (answer.status, answer.slug) == (500, "internal-error")
    assert b"tenants." not in answer.body
    assert b"SELECT" not in answer.body
    assert [line["event"] for line in log] == ["the API failed to answer a request"]


def test_a_database_that_is_away_is_503(tmp_path: Path) -> None:
    process = Process.build(
        Settings(data_dir=tmp_path), "postgresql://nobody@127.0.0.1:1/none", (Vault.new_key(),)
    )
    with capture_logs() as log, serving(app.application(process)) as base_url:
        answer = Client(f"{base_url}/api/v1", new_key().reveal_text()).get("/tenants")
    assert (answer.status, answer.slug) == (503, "database-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "127.0.0.1:1" not in str(log)


def test_every_kind_of_problem_has_a_page(hub: Hub) -> None:
    root = replace(hub.nobody, base_url=hub.admin.base_url.removesuffix("/api/v1"))
    index = root.get("/problems/").body.decode()
    for slug, problem in PROBLEMS.items():
        page = root.get(f"/problems/{slug}")
        assert page.status == 200
        assert page.headers["content-type"].startswith("text/html")
        assert problem.what_to_do.split("'")[0].split("`")[0][:40] in page.body.decode()
        assert f"/problems/{slug}" in index
    assert root.get("/problems/no-such-thing").slug == "not-found"
