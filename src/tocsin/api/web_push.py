"""What a browser needs to subscribe to Web Push."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tocsin.access.vault import VaultError
from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.resources.fields import Output
from tocsin.resources.web_push_key import web_push_key

router = APIRouter(prefix="/web-push-key", tags=["contact methods"], route_class=JsonRoute)


class WebPushKeyOut(Output):
    public_key: Annotated[
        str | None,
        Field(
            description="A browser's `applicationServerKey`; null while it cannot be read with the "
            "keys of this installation"
        ),
    ]


@router.get("")
async def get_web_push_key(context: Context, caller: Viewer) -> WebPushKeyOut:
    """The same for everybody, and never changed: it is made once."""
    try:
        key = await web_push_key(context.engine, context.vault)
    except VaultError:
        return WebPushKeyOut(public_key=None)
    return WebPushKeyOut(public_key=key.public)
