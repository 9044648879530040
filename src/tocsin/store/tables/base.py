"""What all tables share: naming, types, and the pieces that several of them use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    DateTime,
    Enum,
    LargeBinary,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tocsin.model import AlertDeliveryStatus, AlertStatus, Severity


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it off the class
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        dict[str, str]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        list[list[dict[str, Any]]]: JSONB(),
    }


class Deletable:
    """What a person deletes is marked: hidden from then on, but there for the history that mentions
    it. Retention removes it once nothing does."""

    deleted_at: Mapped[datetime | None] = mapped_column(sort_order=999)


def one_of(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


severity_type = Enum(Severity, name="alert_severity")
alert_status_type = Enum(AlertStatus, name="alert_status")
delivery_status_type = Enum(
    AlertDeliveryStatus,
    name="alert_delivery_status",
    values_callable=lambda kind: [member.value for member in kind],
)

NOW = text("now()")
NO_OBJECT = text("'{}'::jsonb")
NOT_DELETED = text("deleted_at IS NULL")
LIVE = text("status IN ('OPEN', 'ACKNOWLEDGED')")
PENDING = text("status IN ('queued', 'deferred')")
HELD = text("status = 'deferred'")
