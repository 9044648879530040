"""For admins: the settings in force in the process that answers, and where each was set."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import Role
from tocsin.settings import in_force


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/admin/settings", opened(context, _show, role=Role.ADMIN), methods=["GET"]),
    ]


async def _show(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/", "Only admins see that page.")
    found = list(in_force(call.context.settings))
    return page(
        "admin_settings.html",
        call.frame("admin"),
        given=[each for each in found if each.origin is not None],
        usual=[each for each in found if each.origin is None],
    )
