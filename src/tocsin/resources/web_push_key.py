"""The key that this installation sends Web Push with: browsers subscribe with its public part."""

from __future__ import annotations

from tocsin.access.installation_secrets import made_once
from tocsin.access.vault import Vault
from tocsin.delivery.channels.kit.web_push import VapidKey
from tocsin.store.database import Engine

_NAME = "web-push"


async def web_push_key(engine: Engine, vault: Vault) -> VapidKey:
    """Made once, by whoever asks first, and kept encrypted.

    Raises:
        VaultError: it was encrypted with a key that is not given here.
    """
    return VapidKey.of(await made_once(engine, vault, _NAME, VapidKey.new_secret))
