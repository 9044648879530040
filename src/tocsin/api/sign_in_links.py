"""Links that sign somebody in once; made by whoever runs the installation."""

from __future__ import annotations

from fastapi import APIRouter

from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.model import utc_now
from tocsin.resources import sign_in_links
from tocsin.resources.sign_in_links import SignInLinkCreated, SignInLinkIn

router = APIRouter(prefix="/sign-in-links", tags=["users"], route_class=JsonRoute)


@router.post("", status_code=201, responses=problems("not-found"))
async def create_sign_in_link(
    context: Context, caller: Admin, body: SignInLinkIn
) -> SignInLinkCreated:
    """Refused with an API key: only the command line on the server may."""
    async with context.writing() as session:
        token, expires_at = await sign_in_links.create(session, caller, body, utc_now())
    return SignInLinkCreated(
        url=f"{context.settings.base_url}/enter/{token.reveal_text()}", expires_at=expires_at
    )
