"""One webhook as it lies in the spool: the request as it was sent, which is read once more when it is
committed. Encrypted, for it holds what its sender proved itself with."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.access.vault import Vault
from tocsin.ingest.received_webhook import TRUSTED, Proof, Shown, Webhook
from tocsin.model import Secret

_encode = msgspec.msgpack.Encoder().encode


class KeptRequest(Struct, array_like=True, frozen=True):
    id: bytes
    """Of the delivery: its sender was given it."""
    integration: bytes
    received_at: datetime
    headers: dict[str, str]
    body: bytes
    answered: int
    """The HTTP status its sender was given."""
    path_secret: str | None = None
    is_trusted: bool = False
    proof: bytes | None = None
    origin: bytes = bytes(16)

    @property
    def integration_id(self) -> UUID:
        return UUID(bytes=self.integration)

    @property
    def shown(self) -> Shown:
        proof: Proof | None = None if self.proof is None else Secret(self.proof)
        return Shown(self.path_secret, TRUSTED if self.is_trusted else proof, self.origin)


_decode = msgspec.msgpack.Decoder(KeptRequest).decode


def sealed(webhook: Webhook, vault: Vault) -> bytes:
    """What is kept of `webhook`, which has its answer."""
    shown = webhook.shown
    proof = shown.proof
    return vault.seal(
        Secret(
            _encode(
                KeptRequest(
                    id=webhook.id,
                    integration=webhook.sender.entry.id_bytes,
                    received_at=webhook.received_at,
                    headers=webhook.headers,
                    body=webhook.body,
                    answered=webhook.status_code,
                    path_secret=shown.path_secret,
                    is_trusted=proof is TRUSTED,
                    proof=proof.reveal() if isinstance(proof, Secret) else None,
                    origin=shown.origin,
                )
            )
        )
    )


def opened(content: bytes, vault: Vault) -> KeptRequest:
    """What `sealed` made.

    Raises:
        VaultError: none of the keys made it.
        msgspec.MsgspecError: another version made it, which has it otherwise.
    """
    return _decode(vault.open(content).reveal())
