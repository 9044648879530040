"""Secrets that are made once for the whole installation, and kept encrypted."""

from __future__ import annotations

from collections.abc import Callable

from tocsin.access.vault import Vault
from tocsin.model import Secret
from tocsin.store.database import Engine, writing
from tocsin.store.queries.installation_secrets import keep_first


async def made_once(engine: Engine, vault: Vault, name: str, make: Callable[[], Secret]) -> Secret:
    """The secret of this name; made now if there is none, by whichever node comes first.

    Raises:
        VaultError: it was encrypted with a key that is not given here.
    """
    async with writing(engine) as session:
        sealed = await keep_first(session, name, lambda: vault.seal(make()))
    return vault.open(sealed)
