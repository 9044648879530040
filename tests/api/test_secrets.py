"""No secret in any answer but the one that makes it, nor in the audit log: searched for by value."""

from __future__ import annotations

from tests.api import everything
from tests.api.conftest import Hub

DICTATED = "dictated-by-the-tool-7f3a"


def test_no_answer_shows_a_secret(hub: Hub) -> None:
    ids = everything.make(hub, hub.admin)
    sender = hub.admin.made(
        "/integrations",
        {"name": "s", "type": "generic", "auth_scheme": "url", "webhook_secret": DICTATED},
    )
    rotated = hub.admin.made(f"/integrations/{sender['id']}/rotate-secret", {})
    token = hub.admin.made(f"/integrations/{sender['id']}/tokens", {"label": "second"})
    key = hub.admin.made("/api-keys", {"name": "k", "role": "admin"})
    workspace = hub.admin.made("/workspaces", {"slug": "w", "name": "W"})
    hook = "https://example.org/path-with-token-91c2"
    destination = hub.admin.made(
        "/alert-destinations", {"name": "h", "type": "webhook", "config": {"url": hook}}
    )
    slack = "https://hooks.slack.com/services/T0000/B0000/sLaCkSeCrEt0000"
    hub.admin.made("/alert-destinations", {"name": "s", "type": "slack", "config": {"url": slack}})
    secrets = [hook, slack, "path-with-token", "sLaCkSeCrEt", destination["signing_secret"]]
    secrets += [DICTATED, rotated["webhook_secret"], key["key"], workspace["api_key"]]
    secrets += [token["token"]]
    secrets += [str(client.key) for client in (hub.admin, hub.viewer, hub.stranger)]
    document = hub.admin.get("/openapi.json").json()
    for method, template, _ in everything.operations(document):
        if method != "GET":
            continue
        others = {
            "integration_id": sender["id"],
            "integration_token_id": token["id"],
            "api_key_id": key["id"],
            "alert_destination_id": destination["id"],
        }
        for names in (ids, ids | others):
            answer = hub.admin.get(template.format(**names))
            # Those of a person's own are asked by a person, in their own test.
            assert answer.status == 200 or template.startswith("/me/api-keys"), answer
            for secret in secrets:
                assert secret.encode() not in answer.body, template
    for table in (
        "audit_events",
        "api_keys",
        "integrations",
        "integration_tokens",
        "alert_destinations",
    ):
        rows = repr(hub.sql(f"SELECT t::text FROM {table} t"))
        assert not [secret for secret in secrets if secret in rows], table


def test_no_error_quotes_a_secret(hub: Hub) -> None:
    ids = everything.make(hub, hub.admin)
    for path, body in (
        ("/integrations", {"name": "x", "type": "generic", "webhook_secret": DICTATED + "\n"}),
        ("/integrations", {"name": "x", "type": "nope", "webhook_secret": DICTATED}),
        ("/integrations", {"name": "x", "type": "generic", "secret": DICTATED}),
        ("/integrations", {"name": "x", "type": "standard_webhooks", "webhook_secret": DICTATED}),
        ("/integrations", {"name": [DICTATED], "type": "generic"}),
        (
            "/alert-destinations",
            {"name": "x", "type": "slack", "config": {"url": f"gopher://example.org/{DICTATED}"}},
        ),
        (
            "/alert-destinations",
            {"name": "x", "type": "webhook", "config": {"url": 1, "secret": DICTATED}},
        ),
        (
            "/alert-destinations",
            {"name": "x", "type": "pagerduty", "config": {"routing_key": DICTATED}},
        ),
        (f"/integrations/{ids['integration_id']}/rotate-secret", {"webhook_secret": [DICTATED]}),
    ):
        answer = hub.admin.post(path, body)
        assert answer.slug == "validation-failed", (path, answer)
        assert DICTATED.encode() not in answer.body, answer
    headers = {"Authorization": f"Bearer {DICTATED}"}
    assert DICTATED.encode() not in hub.nobody.request("GET", "/tenants", headers=headers).body
