"""The page behind an invitation's link: choose a name and a password, and join.

Opening it changes nothing, however often and whoever does: mail scanners open links.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.passwords import LONGEST, SHORTEST
from tocsin.access.sessions import begin_session
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import guarded, is_from_here, read_form
from tocsin.console.getting_in.sign_in import signed_in
from tocsin.model import utc_now
from tocsin.resources import invitations
from tocsin.resources.invitations import AcceptanceIn, Joined, OpenInvitation, WrongPassword


def routes(context: ConsoleContext) -> list[Route]:
    pages = _InvitationPage(context)
    return [Route("/invitations/{token}", pages.answer, methods=["GET", "POST"])]


class _InvitationPage:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context

    async def answer(self, request: Request) -> Response:
        return await guarded(
            self._accept(request) if request.method == "POST" else self._show(request)
        )

    async def _show(self, request: Request) -> Response:
        found = await self._look(request)
        return _gone() if found is None else _form(found)

    async def _look(self, request: Request) -> OpenInvitation | None:
        async with self._context.reading() as session:
            return await invitations.look(session, request.path_params["token"], utc_now())

    async def _accept(self, request: Request) -> Response:
        fields = dict(await read_form(request) or ())
        found, now = await self._look(request), utc_now()
        if found is None or not is_from_here(request):
            return _gone()
        body = _read(request.path_params["token"], found, fields)
        if isinstance(body, dict):
            return _form(found, fields, body)
        outcome = await invitations.check(self._context.engine, body, now)
        if isinstance(outcome, invitations.Checked):
            async with self._context.configuring() as session:
                joined = await invitations.accept(session, body, outcome, now)
                if isinstance(joined, Joined):
                    browser = request.headers.get("user-agent", "")
                    token = await begin_session(session, joined.user.id, browser, now)
            if isinstance(joined, Joined):
                return signed_in(self._context, token, "/")
            outcome = joined
        if isinstance(outcome, WrongPassword):
            return _form(found, fields, {"password": "This is not the password of that account."})
        return _gone()


def _read(
    token: str, found: OpenInvitation, fields: Mapping[str, str]
) -> AcceptanceIn | dict[str, str]:
    """What was entered, or what is wrong with it, by field."""
    entered = {"token": token, "password": fields.get("password", "")}
    if not found.has_account:
        entered["name"] = fields.get("name", "").strip()
    try:
        return AcceptanceIn.model_validate(entered)
    except ValidationError as error:
        names = {str(each["loc"][0]) for each in error.errors(include_input=False)}
    words = {
        "name": "Say your name, as others know you.",
        "password": f"It has {SHORTEST} characters at least, and {LONGEST} at most.",
    }
    return {name: words[name] for name in names & words.keys()}


def _form(
    found: OpenInvitation,
    values: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    return page(
        "invitation.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        invitation=found,
        least=SHORTEST,
        name=(values or {}).get("name", ""),
        faults=faults or {},
    )


def _gone() -> Response:
    return page(
        "trouble.html",
        status=HTTPStatus.GONE,
        heading="This invitation does not work any more",
        words="It works once, for as long as it said. Ask who sent it for another.",
        link=("/login", "Sign in"),
    )
