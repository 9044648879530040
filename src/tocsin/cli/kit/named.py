"""What can be done to anything that has a name and a place in the API: show, edit, switch, delete it.
Each kind of thing says which of these it has, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import read_json
from tocsin.cli.kit.editing import edited, with_assignments
from tocsin.cli.kit.lookup import by_name
from tocsin.cli.kit.output import Json, answer, moment, note, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import pairs

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name or id, or `last`.")]
Assign = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="MEMBER=VALUE",
        help="A member of `show --json` and its new value, JSON or text. May be given several times.",
    ),
]
FromFile = Annotated[
    str | None,
    typer.Option("--from", metavar="FILE", help="Members to change, as JSON; `-`: standard input."),
]

_REFERENCES: Final[Mapping[str, str]] = {
    "destination_ids": "/alert-destinations",
    "fallback_destination_id": "/alert-destinations",
    "escalation_policy_id": "/escalation-policies",
    "integration_id": "/integrations",
    "tenant_id": "/tenants",
}
"""Members that name other things by their ids, and where those are listed."""


@dataclass(frozen=True)
class NamedKind:
    """Things of one kind: where the API has them, and what people call one."""

    path: str
    noun: str

    def find(self, api: ApiClient, said: str) -> Any:
        return by_name(api, self.path, self.noun, said)

    def place(self, found: Any) -> str:
        return f"{self.path}/{found['id']}"


def offer(app: typer.Typer, kind: NamedKind, **helps: str) -> None:
    """Adds commands to `app`: of `show`, `edit`, `enable`, `disable` and `delete` those that have a
    help text here."""
    for name, text in helps.items():
        app.command(name, help=text)(_COMMANDS[name](kind))


def _show(kind: NamedKind) -> Callable[..., None]:
    def show_one(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
        from tocsin.cli.calling.choose import open_api

        with open_api(workspace, only_reads=True) as api:
            found = api.get(kind.place(kind.find(api, name)))
            names = {} if json else names_in(api, found)
        if json:
            print_json(found)
            return
        show_document(found, names)

    return show_one


def show_document(found: Any, names: Mapping[str, str]) -> None:
    facts = pairs()
    for member, value in found.items():
        if value not in (None, [], {}, ""):
            facts.add_row(member.removesuffix("_id").replace("_", " "), _said(value, names))
    show(facts)


def names_in(api: ApiClient, found: Any) -> dict[str, str]:
    """What people call the things that are mentioned by id."""
    asked = {path for member, path in _REFERENCES.items() if found.get(member)}
    return {
        each["id"]: each["name"] for path in sorted(asked) for each in api.items(path, limit=10_000)
    }


def _said(value: Any, names: Mapping[str, str]) -> Text:
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, list):
        between = ", " if all(isinstance(each, str) for each in value) else "; "
        return Text(between).join(_said(each, names) for each in value)
    if isinstance(value, dict) and value.keys() == {"label", "op", "value"}:
        return Text(f"{value['label']}{value['op']}{value['value']}")
    if isinstance(value, dict):
        said = {name: each for name, each in value.items() if each not in (None, [], {}, "")}
        return Text(", ").join(Text.assemble(f"{name} ", _said(said[name], names)) for name in said)
    text = str(value)
    is_moment = text.endswith("Z") and len(text) >= 20 and text[10:11] == "T"
    return Text(names.get(text, moment(text) if is_moment else text))


def _edit(kind: NamedKind) -> Callable[..., None]:
    def edit(
        name: Name,
        assign: Assign = None,
        file: FromFile = None,
        workspace: Workspace = DEFAULT_WORKSPACE,
        json: Json = False,
    ) -> None:
        from tocsin.cli.calling.choose import open_api

        with open_api(workspace) as api:
            made = changed(api, kind.place(kind.find(api, name)), assign, file)
        say_changed(made, json)

    return edit


def changed(api: ApiClient, place: str, assign: list[str] | None, file: str | None) -> Any:
    """The document there, changed as asked, or in the editor; None if nothing was."""
    if assign or file:
        body = {**(read_json(file) if file else {}), **with_assignments(assign or ())}
        return api.patch(place, body)
    return edited(api.get(place), lambda changes: api.patch(place, changes))


def say_changed(made: Any, json: bool) -> None:
    if made is None and not json:
        note("Nothing was changed.")
    else:
        answer(made, json, f"Changed {made and (made.get('name') or made['id'])}.")


def _switch(kind: NamedKind, *, is_enabled: bool) -> Callable[..., None]:
    def switch(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
        from tocsin.cli.calling.choose import open_api

        with open_api(workspace) as api:
            found = kind.find(api, name)
            # Integrations call it active, for they take in and do not act.
            member = "is_enabled" if "is_enabled" in found else "is_active"
            changed = api.patch(kind.place(found), {member: is_enabled})
        answer(changed, json, f"{found['name']} is switched {'on' if is_enabled else 'off'}.")

    return switch


def _delete(kind: NamedKind) -> Callable[..., None]:
    def delete(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
        from tocsin.cli.calling.choose import open_api

        with open_api(workspace) as api:
            found = kind.find(api, name)
            api.delete(kind.place(found))
        answer(found, json, f"Deleted {found.get('name') or found['id']}.")

    return delete


_COMMANDS: Final[Mapping[str, Callable[[NamedKind], Callable[..., None]]]] = {
    "show": _show,
    "edit": _edit,
    "enable": lambda kind: _switch(kind, is_enabled=True),
    "disable": lambda kind: _switch(kind, is_enabled=False),
    "delete": _delete,
}
