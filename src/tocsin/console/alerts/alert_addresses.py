"""The address of the list of alerts, which is its state."""

from __future__ import annotations

from urllib.parse import urlencode

USUAL = "status:open,acknowledged"


def list_address(**values: str) -> str:
    """`q`, `group`, `after`; what is empty is left out, but for the query."""
    kept = {name: value for name, value in values.items() if value or name == "q"}
    return f"/alerts?{urlencode(kept)}"


def quoted(term: str) -> str:
    """One part of a query, whatever spaces are in it."""
    return f'"{term}"' if " " in term else term


def alerts_of_tenant(slug: str, severity: str | None = None) -> str:
    """The list of what is live of a tenant; of one severity, if one is named."""
    narrowed = "" if severity is None else f" severity:{severity.lower()}"
    return list_address(q=f"{USUAL} tenant:{slug}{narrowed}")
