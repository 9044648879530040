"""The tokens of an integration: one for each of its senders, shown once when made, kept as a hash.

A token is as good as the integration's secret wherever a secret is sent: in a header, as a password, in
an address. For a sender that signs (`hmac`) it would prove nothing: its secret must be known to be
checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.ingest.proof.scheme import MAX_TOKENS
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import AuthScheme, Fault, Secret, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest, NotInWorkspace
from tocsin.resources.fields import Id, Input, Name, Output, Time, example, left_out
from tocsin.resources.integrations import unusable_secret
from tocsin.resources.owned import owned
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.integration_tokens import TokenTaken, add_token, count_tokens
from tocsin.store.tables import Integration, IntegrationToken

SHOWN_CHARACTERS = 4

TokenText = Annotated[
    str,
    StringConstraints(strict=True, min_length=16, max_length=200, pattern=r"^[\x21-\x7e]+$"),
    Field(
        description="The key that the sender has already; left out: one is made. Printable ASCII"
        " without spaces, 16 to 200 long"
    ),
]


class IntegrationTokenOut(Output):
    id: Id
    workspace_id: Id
    integration_id: Id
    label: str
    prefix: Annotated[str, Field(description="The first characters of the token")]
    last_used_at: Annotated[Time | None, Field(description="To half a minute")]
    created_at: Time


class IntegrationTokenCreated(IntegrationTokenOut):
    token: Annotated[str, Field(description="The whole token; it is never shown again")]


class IntegrationTokenIn(Input):
    label: Annotated[Name, Field(description="Which sender has it")]
    token: TokenText = left_out()

    model_config = example({"label": "prometheus-eu-2"})


def _document(row: IntegrationToken) -> Mapping[str, Any]:
    return IntegrationTokenOut.model_validate(row).document()


_KIND = recording.Kind("integration_token", _document)


async def create(
    session: DatabaseSession,
    caller: Principal,
    integration_id: UUID,
    body: IntegrationTokenIn,
    now: datetime,
) -> IntegrationTokenCreated:
    """Makes a token of an integration, or takes the one that its sender has.

    Raises:
        NotInWorkspace: there is no such integration.
        InvalidRequest: the token could not work, or is in use.
    """
    integration = await owned(session, Integration, caller, integration_id)
    if integration.auth_scheme == AuthScheme.HMAC:
        message = "this integration's sender signs with the secret; rotate-secret sets another"
        raise InvalidRequest([Fault("", "signs", message)])
    if await count_tokens(session, integration_id) >= MAX_TOKENS:
        message = f"an integration has at most {MAX_TOKENS} tokens; delete one that is not used"
        raise InvalidRequest([Fault("", "too-many", message)])
    token = Secret(body.token or SOURCES[integration.type].preset.make_secret())
    if fault := unusable_secret(integration, token):
        raise InvalidRequest([Fault("/token", "unusable-secret", fault)])
    text = token.reveal_text()
    row = IntegrationToken(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        integration_id=integration_id,
        label=body.label,
        prefix=text[:SHOWN_CHARACTERS],
        token_hash=hashlib.sha256(token.reveal()).digest(),
        last_used_at=None,
        created_at=now,
    )
    try:
        await add_token(session, row)
    except TokenTaken:
        message = "an integration has this token already; each sender needs its own"
        raise InvalidRequest([Fault("/token", "taken", message)]) from None
    shown = _document(row)
    recording.record(session, caller, "created", _KIND.name, row.id, now, after=shown)
    return IntegrationTokenCreated(
        **IntegrationTokenOut.model_validate(row).model_dump(), token=text
    )


async def find(
    session: DatabaseSession, caller: Principal, integration_id: UUID, token_id: UUID
) -> IntegrationToken:
    """The token of this id, of this integration.

    Raises:
        NotInWorkspace: it has no such token.
    """
    row = await owned(session, IntegrationToken, caller, token_id)
    if row.integration_id != integration_id:
        raise NotInWorkspace(workspace_rows.called(IntegrationToken))
    return row


async def revoke(
    session: DatabaseSession,
    caller: Principal,
    integration_id: UUID,
    token_id: UUID,
    now: datetime,
) -> None:
    """From the commit on it is dead, on every node."""
    row = await find(session, caller, integration_id, token_id)
    await recording.delete(session, caller, _KIND, row, now)
