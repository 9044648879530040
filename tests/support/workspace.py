"""A workspace to post webhooks to, its integrations and keys; made with plain SQL, so
that a test may start from any state, and looked at with plain SQL, so that it trusts nobody."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Json

from tocsin.access.vault import Vault
from tocsin.ingest.proof.scheme import LiveSecret, Profile
from tocsin.ingest.proof.sign import path_secret, sign
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Secret, utc_now, uuid7
from tocsin.resources.integration_shapes import PROFILE_COLUMNS
from tocsin.store.installation import ensure_default_workspace, find_workspace_id

KEY = Secret(b"dG9jc2luLXRlc3RzLW9mLXRoZS13aG9sZS1zdG9yeTA=")


@dataclass(frozen=True)
class Sender:
    """One integration, as the tool at the other end knows it."""

    id: UUID
    profile: Profile

    @property
    def path(self) -> str:
        secret = path_secret(self.profile)
        return f"/webhooks/{self.id}" + ("" if secret is None else f"/{secret}")

    def headers(self, body: bytes, **extra: str) -> dict[str, str]:
        """What makes `body` authentic. A name is written with underscores: `idempotency_key=`."""
        signed = sign(self.profile, body, utc_now(), delivery_id=f"msg_{uuid4().hex}")
        return {
            "Content-Type": "application/json",
            **signed,
            **{name.replace("_", "-"): value for name, value in extra.items()},
        }


class Workspace:
    """The workspace `default` of a fresh database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.vault = Vault([KEY])
        ensure_default_workspace(url, utc_now())
        workspace_id = find_workspace_id(url, "default")
        assert workspace_id is not None
        self.id = workspace_id
        (row,) = self.sql("SELECT id FROM tenants WHERE workspace_id = %s", workspace_id)
        self.tenant_id: UUID = row[0]

    def other_workspace(self, slug: str) -> Workspace:
        """A further workspace of the same installation, with a tenant of its own."""
        other = copy(self)
        other.id, other.tenant_id = uuid7(), uuid7()
        other.insert("workspaces", id=other.id, slug=slug, name=slug.title())
        other.insert(
            "tenants",
            id=other.tenant_id,
            workspace_id=other.id,
            slug="default",
            name="Default",
        )
        return other

    def connection(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return [] if cursor.description is None else cursor.fetchall()

    def one(self, statement: str, *parameters: Any) -> Any:
        """The one value that a statement gives."""
        ((value,),) = self.sql(statement, *parameters)
        return value

    def insert(self, table: str, **columns: Any) -> None:
        names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
        self.sql(f"INSERT INTO {table} ({names}) VALUES ({places})", *columns.values())

    def sender(self, type: str = "generic", *, secret: str | None = None, **columns: Any) -> Sender:
        """An integration of this type; `columns` override what its source presets. Its alerts never
        flap, or a test that sends the same ones often would be about that."""
        preset = SOURCES[type].preset
        secret = preset.make_secret() if secret is None else secret
        profile = {name: getattr(preset, name) for name in PROFILE_COLUMNS}
        profile |= {name: columns[name] for name in PROFILE_COLUMNS if name in columns}
        mapping = columns.pop("mapping", None)
        integration_id = uuid7()
        self.insert(
            "integrations",
            id=integration_id,
            workspace_id=self.id,
            webhook_secret=self.vault.seal(Secret(secret)),
            **{
                "tenant_id": self.tenant_id,
                "name": f"{type}-{integration_id.hex}",
                "type": type,
                **profile,
                "flapping": None,
                **columns,
                **({} if mapping is None else {"mapping": Json(mapping)}),
            },
        )
        return Sender(integration_id, self.profile(type, secret, profile))

    @staticmethod
    def profile(type: str, secret: str, columns: dict[str, Any]) -> Profile:
        preset = SOURCES[type].preset
        return Profile(
            **columns,
            secrets=(LiveSecret(Secret(secret)),),
            id_header=preset.id_header,
            secret_encoding=preset.secret_encoding,
        )

    def tenant(self, slug: str) -> UUID:
        tenant_id = uuid7()
        self.insert("tenants", id=tenant_id, workspace_id=self.id, slug=slug, name=slug.title())
        return tenant_id

    def api_key(self, role: str = "admin") -> str:
        key = f"tsn_{uuid4().hex}{uuid4().hex}"[:47]
        self.insert(
            "api_keys",
            id=uuid7(),
            workspace_id=self.id,
            name=f"test {role} {key[-4:]}",
            prefix=key[:12],
            key_hash=hashlib.sha256(key.encode()).digest(),
            role=role,
        )
        return key

    def user(self, name: str = "Ana", *, role: str = "responder", **columns: Any) -> UUID:
        """A member of this workspace."""
        user_id = uuid7()
        email = f"{name.lower()}-{user_id.hex[-6:]}@example.org"
        self.insert("users", **{"id": user_id, "email": email, "name": name, **columns})
        self.insert("memberships", user_id=user_id, workspace_id=self.id, role=role)
        return user_id

    def contact_method(
        self, user_id: UUID, *, type: str = "webhook", is_verified: bool = True, **columns: Any
    ) -> UUID:
        """It leads nowhere unless `config` is given."""
        method_id = uuid7()
        given = {"config": Json({"url": "http://127.0.0.1:9/"}), **columns}
        self.insert(
            "alert_destinations",
            id=method_id,
            workspace_id=self.id,
            user_id=user_id,
            name=type,
            type=type,
            verified_at=utc_now() if is_verified else None,
            **given,
        )
        return method_id

    def notification_rules(self, user_id: UUID, urgency: str, *lines: tuple[int, UUID]) -> None:
        """Each a delay in seconds and a contact method."""
        for position, (delay_seconds, method_id) in enumerate(lines):
            self.insert(
                "notification_rules",
                id=uuid7(),
                workspace_id=self.id,
                user_id=user_id,
                urgency=urgency,
                position=position,
                delay_seconds=delay_seconds,
                contact_method_id=method_id,
            )

    def rule(self, *, event_types: list[str], **columns: Any) -> tuple[UUID, UUID]:
        """A rule and its destination, which is disabled: nothing leaves, but all of it is pending."""
        destination_id, rule_id = uuid7(), uuid7()
        self.insert(
            "alert_destinations",
            id=destination_id,
            workspace_id=self.id,
            name=f"hook-{destination_id.hex}",
            type="webhook",
            config=Json({"url": "http://127.0.0.1:9/"}),
        )
        self.insert(
            "alert_rules",
            id=rule_id,
            workspace_id=self.id,
            name=f"rule-{rule_id.hex}",
            event_types=event_types,
            destination_ids=[destination_id],
            **columns,
        )
        return rule_id, destination_id

    def alerts(self, sender: Sender) -> list[dict[str, Any]]:
        """In the order in which they were made."""
        return self._rows("alerts", sender)

    def deliveries(self, sender: Sender) -> list[dict[str, Any]]:
        return self._rows("webhook_deliveries", sender)

    def _rows(self, table: str, sender: Sender) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(
                f"SELECT * FROM {table} WHERE integration_id = %s ORDER BY id", [sender.id]
            ).fetchall()

    def timeline(self, alert_id: Any) -> list[str]:
        rows = self.sql("SELECT kind FROM alert_events WHERE alert_id = %s ORDER BY id", alert_id)
        return [kind for (kind,) in rows]
