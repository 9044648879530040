"""How senders prove themselves, where several tools do alike."""

from __future__ import annotations

from typing import Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.model import AuthScheme

BEARER: Final = Scheme(
    auth_scheme=AuthScheme.TOKEN, signature_header="Authorization", signature_prefix="Bearer "
)
"""For tools that sign nothing and send a header of the user's."""
