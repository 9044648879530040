"""Secrets at rest: encrypted with the first key, read with any (MultiFernet)."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tocsin.model import Secret


class VaultError(Exception):
    """A stored secret cannot be read with the keys given."""


class Vault:
    def __init__(self, keys: Sequence[Secret]) -> None:
        if not keys:
            raise ValueError("a vault needs at least one key")
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])

    def seal(self, secret: Secret) -> bytes:
        return self._fernet.encrypt(secret.reveal())

    def open(self, sealed: bytes) -> Secret:
        """The secret that was sealed with one of the keys.

        Raises:
            VaultError: if none of the keys made `sealed`.
        """
        try:
            return Secret(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise VaultError(
                "a stored secret cannot be read with the keys in TOCSIN_SECRET_KEY; "
                "add the key it was written with as a further one"
            ) from None

    @staticmethod
    def new_key() -> Secret:
        return Secret(Fernet.generate_key())
