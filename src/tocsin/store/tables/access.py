"""Who may do what, and who did: sessions, links that sign in, API keys, the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.store.tables.base import NOW, Base, one_of
from tocsin.store.tables.people import ROLE_CHECK


class Session(Base):
    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    workspace_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("workspaces.id", ondelete="SET NULL")
    )
    """Where it works; None: its person has not chosen yet."""
    browser: Mapped[str] = mapped_column(server_default=text("''"))
    """What it said it is, so that its person recognises it in a list."""
    provider_token: Mapped[bytes | None]
    """What the provider of OpenID Connect said, encrypted: with it one signs out there, too. None: it
    began with a password or a link."""


class SignInLink(Base):
    """An address that signs in once."""

    __tablename__ = "sign_in_links"
    __table_args__ = (
        CheckConstraint(one_of("purpose", "sign_in", "set_up", "new_password"), "purpose"),
        CheckConstraint(
            "(user_id IS NULL) = (purpose = 'set_up')", "only_the_first_start_has_nobody"
        ),
        Index("ix_sign_in_links_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    expires_at: Mapped[datetime]


class InstallationSecret(Base):
    """What was made once for the whole installation: it is nobody's configuration."""

    __tablename__ = "installation_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    """Encrypted like every secret."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ApiKey(Base):
    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(ROLE_CHECK, "role"),
        Index("ix_api_keys_workspace_id", "workspace_id"),
        Index("ix_api_keys_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the whole key; the key has 256 random bits, so a slow hash would add nothing."""
    role: Mapped[str]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), sort_order=1
    )
    """Whose it is: a personal key speaks for its person; None: a key of the workspace."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AuditEvent(Base):
    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_workspace_id_id", "workspace_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    actor: Mapped[dict[str, str]]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[UUID | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
