"""The pages behind `type`: each kind of problem explained to a person, at /problems/{slug}."""

from __future__ import annotations

from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tocsin.api.problem_answers import problem_response
from tocsin.problems import PROBLEMS, Problem

_STYLE = (
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;"
    "color:#1f2933;background:#fff}h1{line-height:1.25}code{background:#eef1f4;padding:.1em .3em}"
    "a{color:#0b5cad}@media(prefers-color-scheme:dark){body{color:#e4e7eb;background:#14181d}"
    "code{background:#262d35}a{color:#7ab8ff}}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "max-age=3600",
}


def _page(title: str, content: str) -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} · Tocsin</title><style>{_STYLE}</style>"
        f"<main>{content}</main></html>",
        headers=_HEADERS,
    )


def render(slug: str, problem: Problem) -> HTMLResponse:
    return _page(
        problem.title,
        f"<h1>{escape(problem.title)}</h1>"
        f"<p>HTTP status {problem.status}, <code>{escape(slug)}</code></p>"
        f"<h2>What it means</h2><p>{escape(problem.explanation)}</p>"
        f"<h2>What to do</h2><p>{escape(problem.what_to_do)}</p>"
        '<p><a href="/problems/">All problems</a></p>',
    )


async def _index(request: Request) -> Response:
    rows = "".join(
        f'<li><a href="/problems/{slug}">{escape(problem.title)}</a> '
        f"({problem.status}, <code>{slug}</code>)</li>"
        for slug, problem in PROBLEMS.items()
    )
    return _page("Problems", f"<h1>Problems and what to do about them</h1><ul>{rows}</ul>")


async def _one(request: Request) -> Response:
    slug = request.path_params["slug"]
    problem = PROBLEMS.get(slug)
    if problem is None:
        return problem_response(request.scope, "not-found", "No problem has this name.")
    return render(slug, problem)


def create_problem_pages() -> Starlette:
    """To be mounted at /problems; needs no key."""
    return Starlette(routes=[Route("/", _index), Route("/{slug}", _one)])
