"""Who is asking, and may they: bearer API keys (RFC 6750) and the roles of their workspace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from tocsin.access.api_keys import PREFIX, Principal
from tocsin.api.problem_answers import ApiProblem
from tocsin.model import Role, Secret

_LONGEST_KEY = 200


def bearer_key(scope: Scope) -> Secret | None:
    """The key of an `Authorization: Bearer …` header; None if there is none that could be ours."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(b" ")
    key = token.strip()
    if scheme.lower() != b"bearer" or len(key) > _LONGEST_KEY:
        return None
    if not key.startswith(PREFIX.encode()) or not key.isascii():
        return None
    return Secret(key)


def _require(role: Role) -> Callable[[Request], Awaitable[Principal]]:
    async def check(request: Request) -> Principal:
        principal: Principal = request.scope["tocsin.principal"]
        if not principal.role.includes(role):
            raise ApiProblem(
                "forbidden",
                f"This takes an API key of role {role.value}; "
                f"{principal.name!r} has the role {principal.role.value}.",
            )
        return principal

    return check


ROLE_CHECKS = {role: _require(role) for role in Role}

Viewer = Annotated[Principal, Depends(ROLE_CHECKS[Role.VIEWER])]
Responder = Annotated[Principal, Depends(ROLE_CHECKS[Role.RESPONDER])]
Admin = Annotated[Principal, Depends(ROLE_CHECKS[Role.ADMIN])]
