"""Workspaces and tenants, as messages name them."""

from __future__ import annotations

from tocsin.alerts.directory import Names
from tocsin.message import Named


def named(names: Names) -> Named:
    return Named(names.id, names.name, names.slug)
