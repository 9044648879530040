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
