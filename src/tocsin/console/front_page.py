"""The page at `/`: says that Tocsin runs here, and where things are."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.pages import page

_PLACES = (
    ("/readyz", "whether webhooks can be stored just now"),
    ("/metrics", "what came in and what went out, for Prometheus"),
    ("/api/v1/openapi.json", "the API, described; it is called with an API key"),
    ("/problems/", "what each error means and what to do"),
)


def create_front_page() -> Starlette:
    async def answer(request: Request) -> Response:
        return page(
            HTTPStatus.OK,
            "Tocsin is running",
            message="Webhooks come to /webhooks/… and people work with the program: "
            "on the server, tocsin --help lists what it can do.",
            places=_PLACES,
        )

    return Starlette(routes=[Route("/", answer, methods=["GET"])])
