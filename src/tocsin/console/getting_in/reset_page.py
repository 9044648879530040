"""Forgotten passwords: the page that asks for the address, and sends a link."""

from __future__ import annotations

from http import HTTPStatus

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import guarded, is_from_here, read_form
from tocsin.console.getting_in.sign_in import caller_of
from tocsin.model import utc_now
from tocsin.resources.password_reset import LINK_LASTS, MailWay, may_ask, send_reset


def routes(context: ConsoleContext) -> list[Route]:
    way = MailWay.of(context.settings)
    if way is None:
        return []
    pages = _ResetPage(context, way)
    return [Route("/login/reset", pages.answer, methods=["GET", "POST"])]


class _ResetPage:
    def __init__(self, context: ConsoleContext, way: MailWay) -> None:
        self._context = context
        self._way = way

    async def answer(self, request: Request) -> Response:
        if request.method == "POST":
            return await guarded(self._ask(request))
        return _form()

    async def _ask(self, request: Request) -> Response:
        fields = dict(await read_form(request) or ())
        email, now = fields.get("email", "").strip()[:254], utc_now()
        if not is_from_here(request):
            return _form(HTTPStatus.FORBIDDEN, "That form came from another site.")
        if not email:
            return _form(HTTPStatus.UNPROCESSABLE_ENTITY, "Say your mail address.")
        context = self._context
        async with context.writing() as session:
            may = await may_ask(session, caller_of(request), now)
        if not may:
            words = "Too many were asked for from where you are. Wait an hour, or ask for a link."
            return _form(HTTPStatus.TOO_MANY_REQUESTS, words)
        minutes = int(LINK_LASTS.total_seconds()) // 60
        response = page(
            "trouble.html",
            heading="Look into your mail",
            words=f"If {email} is known here, a link is on its way to it. It works once, for {minutes} "
            "minutes. Nothing came? Look among the junk, or ask an admin for a link.",
            link=("/login", "Back to sign in"),
            calm=True,
        )
        # After the answer, so that its time says nothing of whether there is such a person.
        response.background = BackgroundTask(
            send_reset, context.engine, self._way, email, context.settings.base_url, now
        )
        return response


def _form(status: HTTPStatus = HTTPStatus.OK, wrong: str = "") -> Response:
    return page("reset.html", status=status, wrong=wrong)
