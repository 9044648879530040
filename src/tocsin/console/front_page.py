"""The page at `/`: that this is Tocsin, that it runs, and where things are."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.pages import page


def create_front_page() -> Starlette:
    async def answer(request: Request) -> Response:
        return page(
            HTTPStatus.OK,
            "Tocsin is running",
            message="Webhooks go to /webhooks/…, programs to /api/v1 (described by "
            "/api/v1/openapi.json). /readyz tells whether webhooks can be stored, /metrics how "
            "many were, /problems/ what an error means. `tocsin --help` lists the rest.",
        )

    return Starlette(routes=[Route("/", answer, methods=["GET"])])
