"""What pages load besides themselves: built files under names that change with their content, and the
few whose names are fixed."""

from __future__ import annotations

import mimetypes
from functools import cache
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tocsin.console.frame.assets_found import PREFIX, find_assets, folder
from tocsin.console.frame.render import page

_FOREVER = "public, max-age=31536000, immutable"
_MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" '
    'fill="#4a55d0"/><g fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" '
    'stroke-linejoin="round"><path d="M10 14a6 6 0 0 1 12 0c0 6 2.5 7 2.5 7h-17s2.5-1 2.5-7"/>'
    '<path d="M14 24.5a2.2 2.2 0 0 0 4 0"/></g></svg>'
)


def routes() -> list[Route]:
    return [
        Route("/static/{name}", _built, methods=["GET"]),
        Route("/scripts-on.js", _scripts_on, methods=["GET"]),
        Route("/favicon.svg", _mark, methods=["GET"]),
        Route("/favicon.ico", _mark, methods=["GET"]),
        Route("/manifest.webmanifest", _manifest, methods=["GET"]),
        Route("/app-icon.png", _app_icon, methods=["GET"]),
        Route("/service-worker.js", _worker, methods=["GET"]),
        Route("/offline", _offline, methods=["GET"]),
    ]


async def _built(request: Request) -> Response:
    body = _read(request.path_params["name"])
    if body is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    kind = mimetypes.guess_type(request.path_params["name"])[0] or "application/octet-stream"
    if kind == "application/octet-stream" and request.path_params["name"].endswith(".woff2"):
        kind = "font/woff2"
    headers = {"Cache-Control": _FOREVER, "X-Content-Type-Options": "nosniff"}
    return Response(body, media_type=kind, headers=headers)


@cache
def _names() -> frozenset[str]:
    """Only what the build made is served: no path of a request reaches the disk."""
    here = folder()
    return frozenset(each.name for each in here.iterdir()) if here.is_dir() else frozenset()


@cache
def _read(name: str) -> bytes | None:
    if name not in _names():
        return None
    return folder().joinpath(name).read_bytes()


async def _scripts_on(request: Request) -> Response:
    """Read before anything is drawn: what is only for who has no scripts never flashes."""
    return Response(
        "document.documentElement.dataset.scripts = 'on';\n",
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"},
    )


async def _mark(request: Request) -> Response:
    return Response(
        _MARK, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"}
    )


async def _manifest(request: Request) -> Response:
    """What makes the console an app that can be installed."""
    assets = find_assets()
    return JSONResponse(
        {
            "id": "/",
            "name": "Tocsin",
            "short_name": "Tocsin",
            "description": "Who is needed, and why: alerts, pages and who is on call.",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#0d0e11",
            "theme_color": "#0d0e11",
            "icons": [
                {"src": "/favicon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
                *_icon(assets.app_icon, 192, "any"),
                *_icon(assets.big_app_icon, 512, "any"),
                *_icon(assets.maskable_app_icon, 512, "maskable"),
            ],
            "shortcuts": [
                {"name": "Alerts", "url": "/alerts"},
                {"name": "On call", "url": "/schedules"},
            ],
        },
        media_type="application/manifest+json",
        headers={"Cache-Control": "public, max-age=86400"},
    )


def _icon(address: str | None, size: int, purpose: str) -> list[dict[str, str]]:
    if address is None:
        return []
    size_words = f"{size}x{size}"
    return [{"src": address, "sizes": size_words, "type": "image/png", "purpose": purpose}]


async def _app_icon(request: Request) -> Response:
    """Under a name that stays: notifications name it, and iPhones look for it."""
    address = find_assets().app_icon
    return (
        Response(status_code=HTTPStatus.NOT_FOUND) if address is None else RedirectResponse(address)
    )


async def _worker(request: Request) -> Response:
    """The service worker: at the root, so that it is asked about every page."""
    address = find_assets().worker
    body = None if address is None else _read(address.removeprefix(PREFIX))
    if body is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return Response(
        body,
        media_type="text/javascript",
        headers={
            "Cache-Control": "no-cache",
            "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _offline(request: Request) -> Response:
    """What the service worker shows when there is no way here."""
    return page("offline.html")
