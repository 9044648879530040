"""The pages behind `type`: each kind of problem explained to a person, at /problems/{slug}."""

from __future__ import annotations

from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.api.plain_page import plain_page
from tocsin.api.problem_answers import problem_response
from tocsin.problems import PROBLEMS, Problem


def render(slug: str, problem: Problem) -> Response:
    return plain_page(
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
    return plain_page("Problems", f"<h1>Problems and what to do about them</h1><ul>{rows}</ul>")


async def _one(request: Request) -> Response:
    slug = request.path_params["slug"]
    problem = PROBLEMS.get(slug)
    if problem is None:
        return problem_response(request.scope, "not-found", "No problem has this name.")
    return render(slug, problem)


def create_problem_pages() -> Starlette:
    """To be mounted at /problems; needs no key."""
    return Starlette(routes=[Route("/", _index), Route("/{slug}", _one)])
