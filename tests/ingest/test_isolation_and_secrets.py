"""After a busy story with every way of proving oneself, failures included: no secret in any table,
log line, answer or error, searched for by value; and no workspace in another's affairs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from tests.support.node import Answer, Node, eventually, nodes
from tests.support.postgres import Server
from tests.support.proxy import Proxy, proxied
from tests.support.workspace import KEY, Sender, Workspace
from tocsin.model import AuthScheme

ALERT = {"title": "Disk full"}


class Recorder:
    """Keeps every answer it gets, and every secret there is."""

    def __init__(self, workspace: Workspace, node: Node) -> None:
        self.workspace, self.node = workspace, node
        self.client = node.client()
        self.answers: list[Answer] = []
        self.key = workspace.api_key()
        self.admin = node.client(self.key)
        self.secrets = {"the key of secrets": KEY.reveal_text(), "API key": self.key}

    def sender(self, scheme: str, **columns: Any) -> tuple[Sender, str]:
        secret = f"s3cret-of-{scheme}-{len(self.secrets)}-Ab+/x"
        self.secrets[f"{scheme} {len(self.secrets)}"] = secret
        if scheme == "basic":
            encoded = base64.b64encode(f"tocsin:{secret}".encode()).decode()
            self.secrets["basic, as sent"] = encoded
        return self.workspace.sender(auth_scheme=scheme, secret=secret, **columns), secret

    def keep(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        return self.keep(self.client.request("POST", path, body, headers))

    def send(self, sender: Sender, payload: Any, **headers: str) -> Answer:
        return self.keep(self.client.send(sender, payload, **headers))

    def api(self, method: str, path: str, document: Any = None) -> Answer:
        return self.keep(self.admin.api(method, path, document))


def _dump(workspace: Workspace) -> dict[str, str]:
    """Every table as text, every column of it."""
    tables = workspace.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = {}
    with workspace.connection() as connection:
        for (table,) in tables:
            query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))
            dump[table] = "\n".join(row[0] for row in connection.execute(query))
    return dump


def _forms(secret: str) -> list[str]:
    """As it is, as JSON and bytea would write it, and as it stands in a path."""
    escaped = json.dumps(secret)[1:-1].replace("/", "\\/")
    return [secret, escaped, secret.encode().hex(), secret.replace("+", "%2B").replace("/", "%2F")]


@pytest.fixture(scope="module")
def way(postgres_server: Server) -> Iterator[Proxy]:
    with postgres_server.database() as fresh, proxied(fresh.url) as between:
        yield between


@pytest.fixture(scope="module")
def workspace(way: Proxy) -> Workspace:
    return Workspace(way.url)


@pytest.fixture(scope="module")
def node(way: Proxy, workspace: Workspace) -> Iterator[Node]:
    with nodes(way.url, is_forked=True) as (only,):
        yield only


def test_no_secret_is_anywhere(workspace: Workspace, node: Node, way: Proxy) -> None:
    story = Recorder(workspace, node)
    body = json.dumps(ALERT).encode()
    for scheme in ("hmac", "token", "basic", "url"):
        sender, secret = story.sender(scheme)
        assert story.send(sender, ALERT).status == 201
        assert story.send(sender, ALERT).json()["status"] == "duplicate"
        story.send(sender, {"no": "title"})
        story.send(sender, b"not json")
        story.send(sender, {"title": "x" * 2_000_000})
        story.post(f"/webhooks/{sender.id}", body, {})
        # The right secret in every wrong place that people try.
        for name in (
            "Authorization",
            "X-Api-Key",
            "X-Auth-Token",
            "Cookie",
            "X-Webhook-Secret",
            "X-Webhook-Signature",
            "Proxy-Authorization",
            "X-Gitlab-Token",
        ):
            for value in (secret, f"Bearer {secret}", f"token={secret}"):
                story.post(f"/webhooks/{sender.id}", body, {name: value})
        quoted = _forms(secret)[-1]
        for path in (
            f"/webhooks/{sender.id}/{quoted}",
            f"/webhook/{sender.id}/{quoted}",
            f"//webhooks/{sender.id}/{quoted}",
            f"/webhooks/{story.key}/{quoted}",
        ):
            story.post(path, body, {})
            story.keep(story.client.request("GET", path))
        # A proxy in front may repeat the path.
        story.send(sender, {"title": "proxied"}, X_Original_Uri=sender.path, Referer=sender.path)
        # Rotation, and use of both.
        rotated = story.api("POST", f"/integrations/{sender.id}/rotate-secret", {}).json()
        story.answers.pop()  # where it is shown, once
        story.secrets[f"{scheme}, renewed"] = rotated["webhook_secret"]
        renewed = Sender(
            sender.id,
            workspace.profile(
                "generic", rotated["webhook_secret"], {"auth_scheme": AuthScheme(scheme)}
            ),
        )
        for each in (sender, renewed):
            assert story.send(each, {"title": "after", "by": str(each is sender)}).status == 201
        (delivery_id, *_), *_ = workspace.sql(
            "SELECT id FROM webhook_deliveries WHERE integration_id = %s AND outcome = 'created'",
            sender.id,
        )
        for dry_run in (True, False):
            story.api("POST", f"/webhook-deliveries/{delivery_id}/replay", {"dry_run": dry_run})
        story.api("GET", f"/webhook-deliveries/{delivery_id}")
        story.api("GET", f"/integrations/{sender.id}")
    story.api("GET", "/webhook-deliveries?limit=200")
    story.api("GET", "/integrations")
    story.api("GET", "/audit-events?limit=200")
    story.api("GET", f"/alerts?q={story.key}")
    with story.node.client("tsn_" + story.key[4:][::-1]) as stranger:
        story.keep(stranger.api("GET", "/alerts"))
    # A secret that is no longer one, from a sender that does not know it yet, under a name of its own.
    odd, _ = story.sender("token", signature_header="X-Odd-Name")
    rotated = story.api(
        "POST", f"/integrations/{odd.id}/rotate-secret", {"overlap_minutes": 0}
    ).json()
    story.answers.pop()
    story.secrets["token, renewed at once"] = rotated["webhook_secret"]
    assert story.send(odd, ALERT).slug == "invalid-signature"
    # Faults: an integration that cannot be used, a database that is away.
    broken, _ = story.sender("token", signature_header="X-Odd-Name")
    workspace.sql('UPDATE integrations SET mapping = \'{"title": "["}\' WHERE id = %s', broken.id)
    assert story.send(broken, ALERT).status == 500
    way.cut()
    story.send(renewed, {"title": "away"})
    story.send(broken, {"title": "away"})
    story.api("GET", "/alerts")
    way.restore()
    eventually(lambda: story.api("GET", "/alerts").status == 200, "the database is back")
    places = {f"table {name}": text for name, text in _dump(workspace).items()}
    assert places["table webhook_deliveries"].count("[redacted]") > 20
    places["log"] = story.node.errors()
    for number, answer in enumerate(story.answers):
        places[f"answer {number}"] = answer.body.decode() + json.dumps(answer.headers)
    found = [
        (name, place)
        for name, secret in story.secrets.items()
        for place, text in places.items()
        if any(form in text for form in _forms(secret))
    ]
    assert found == []
    # What is shown once was shown, or the search above has looked for nothing.
    assert len(set(story.secrets.values())) > 10


def test_workspaces_stay_apart(workspace: Workspace, node: Node) -> None:
    one, two = workspace, workspace.other_workspace("other")
    acme = two.tenant("acme")
    mine, theirs = one.sender(), two.sender()
    payload = {"title": "T", "external_id": "same", "tenant": "acme"}
    with node.client() as client:
        for sender in (mine, theirs):
            assert client.send(sender, payload, Idempotency_Key="same").status == 201
        # Neither secret opens the other's door.
        body = b"{}"
        crossed = client.request("POST", mine.path, body, theirs.headers(body))
        assert crossed.slug == "invalid-signature"
    (alert,), (other,) = one.alerts(mine), two.alerts(theirs)
    # Another workspace's tenant is as unknown as one that nobody has.
    assert (alert["workspace_id"], alert["tenant_id"]) == (one.id, one.tenant_id)
    assert (other["workspace_id"], other["tenant_id"]) == (two.id, acme)
    assert "unknown_tenant" in one.deliveries(mine)[0]["flags"]
    (delivery,) = (row for row in one.deliveries(mine) if row["outcome"] == "created")
    with node.client(two.api_key()) as stranger:
        for action in ("acknowledge", "resolve", "close", "reopen"):
            assert stranger.api("POST", f"/alerts/{alert['id']}/{action}").status == 404
        for dry_run in (True, False):
            path = f"/webhook-deliveries/{delivery['id']}/replay"
            assert stranger.api("POST", path, {"dry_run": dry_run}).status == 404
    assert one.alerts(mine) == [alert]
