"""Which roles the groups of a person give them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tocsin.model import Role
from tocsin.settings import GroupRole


@dataclass(frozen=True, slots=True)
class GivenRoles:
    """By the slug of a workspace, the role there; None: their groups give them none any more.
    A workspace that no entry names is not in it: roles there are given by hand."""

    roles: Mapping[str, Role | None]


def given_roles(entries: Collection[GroupRole], groups: Collection[str] | None) -> GivenRoles:
    """The highest role of each workspace that the entries name. Of somebody of whose groups nothing is
    known (None), nothing is taken away: only what everybody has is given."""
    given: dict[str, Role | None] = {}
    for entry in entries:
        applies = entry.group is None or (groups is not None and entry.group in groups)
        before = given.get(entry.workspace)
        if applies and (before is None or entry.role.includes(before)):
            given[entry.workspace] = entry.role
        elif groups is not None:
            given.setdefault(entry.workspace, None)
    return GivenRoles(given)
