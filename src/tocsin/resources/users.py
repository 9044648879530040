"""People: who is a member of a workspace, in which role.

A person is one row wherever they are a member. So an admin changes what is the same everywhere (address,
name, password, whether they are disabled) only of somebody who is a member nowhere else; the role is the
workspace's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.access.passwords import LONGEST, SHORTEST, hash_password, is_password
from tocsin.delivery.channels.email import mail_address
from tocsin.model import Role, Secret, uuid7
from tocsin.resources import recording, schedules
from tocsin.resources.errors import InvalidRequest, NotPermitted
from tocsin.resources.fields import (
    Flag,
    Id,
    Input,
    JsonObject,
    Name,
    Output,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
)
from tocsin.resources.members import KIND, member
from tocsin.resources.rules import Day, WallTime, every_day
from tocsin.routing.validation import WINDOWS_LIMIT, validate_quiet_hours
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.queries.sessions import end_sessions
from tocsin.store.queries.users import (
    Member,
    is_member_elsewhere,
    reachable_among,
    remove_member,
    roles_of,
    write_user,
)
from tocsin.store.tables import Membership, User

Email = Annotated[
    str,
    StringConstraints(strict=True, max_length=254),
    AfterValidator(mail_address),
    Field(json_schema_extra={"format": "email"}),
]
Password = Annotated[
    str,
    StringConstraints(strict=True, min_length=SHORTEST, max_length=LONGEST),
    Field(description=f"At least {SHORTEST} characters; kept as a hash (Argon2id)", repr=False),
]


LONGEST_LEAD = 7 * 24 * 60
"""Minutes before a shift."""

MOST_LEADS = 5


class QuietTimeIn(Input):
    """Days on which a quiet period begins; an end at or before the start is on the next day."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7, default_factory=every_day)]
    start: WallTime
    end: WallTime
    timezone: Annotated[Timezone | None, Field(description="Null: the person's own")] = None


QuietTimes = Annotated[
    list[QuietTimeIn],
    Field(
        max_length=WINDOWS_LIMIT,
        description="When pages of low urgency (MEDIUM and below) wait; those of high never do",
    ),
]


class ShiftNoticesIn(Input):
    """When a person is notified of shifts of their own: so many minutes before each, and at its end."""

    before_minutes: Annotated[
        list[Annotated[int, Field(strict=True, ge=0, le=LONGEST_LEAD), Whole]],
        Field(max_length=MOST_LEADS, description="0: when it begins", default_factory=list),
    ]
    at_end: Flag = False

    model_config = example({"before_minutes": [1440, 60], "at_end": True})


ShiftNoticesWanted = Annotated[
    ShiftNoticesIn | None,
    Field(
        description="By the contact methods of the rules for low urgency, else all that are verified; "
        "never by a call. Null: not at all"
    ),
]


class UserOut(Output):
    id: Id
    email: str
    name: str
    timezone: str
    role: Annotated[Role, Field(description="In this workspace")]
    is_active: Annotated[bool, Field(description="False: they are never paged, and have no access")]
    is_reachable: Annotated[
        bool, Field(description="Whether they have a verified contact method that is switched on")
    ]
    quiet_hours: list[JsonObject] | None
    shift_notices: JsonObject | None
    created_at: Time
    updated_at: Time


class UserIn(Input):
    email: Email
    name: Name
    timezone: Timezone = "UTC"
    role: Role = Role.RESPONDER
    quiet_hours: QuietTimes | None = None
    shift_notices: ShiftNoticesWanted = None
    password: Password = left_out()

    model_config = example(
        {
            "email": "ana@example.org",
            "name": "Ana",
            "timezone": "Europe/Vienna",
            "role": "responder",
            "quiet_hours": [{"start": "22:00", "end": "07:00"}],
        }
    )


class UserPatch(Input):
    email: Email = left_out()
    name: Name = left_out()
    timezone: Timezone = left_out()
    role: Role = left_out()
    is_active: Flag = left_out()
    quiet_hours: QuietTimes | None = None
    shift_notices: ShiftNoticesWanted = None
    password: Password = left_out()

    model_config = example({"name": "Ana Lee", "role": "admin"})


class MePatch(Input):
    name: Name = left_out()
    timezone: Timezone = left_out()
    quiet_hours: QuietTimes | None = None
    shift_notices: ShiftNoticesWanted = None
    password: Password = left_out()
    current_password: Annotated[
        str,
        StringConstraints(strict=True, max_length=LONGEST),
        Field(description="Needed with `password`, if there is one", repr=False),
    ] = left_out()

    model_config = example({"timezone": "Europe/Vienna"})

    def changes(self) -> UserPatch:
        """What of it is a change of the person, the password apart."""
        given = self.given()
        for name in ("password", "current_password"):
            given.pop(name, None)
        return UserPatch.model_construct(_fields_set=set(given), **given)


_OWN = frozenset({"name", "timezone", "quiet_hours", "shift_notices"})
"""What one may change of oneself."""


async def shown(
    session: DatabaseSession, workspace_id: UUID, users: Sequence[User]
) -> list[UserOut]:
    ids = [user.id for user in users]
    roles = await roles_of(session, workspace_id, ids)
    reachable = await reachable_among(session, workspace_id, ids)
    return [
        UserOut(**_columns(user), role=Role(roles[user.id]), is_reachable=user.id in reachable)
        for user in users
    ]


def _columns(user: User) -> dict[str, Any]:
    names = ("id", "email", "name", "timezone", "is_active", "quiet_hours", "shift_notices")
    return {name: getattr(user, name) for name in (*names, "created_at", "updated_at")}


def _document(found: Member) -> Mapping[str, Any]:
    """What the audit log keeps."""
    return UserOut.model_construct(
        **_columns(found.user), role=Role(found.membership.role), is_reachable=False
    ).model_dump(mode="json", exclude={"is_reachable"})


async def create(
    session: DatabaseSession,
    caller: Principal,
    body: UserIn,
    password_hash: str | None,
    now: datetime,
) -> User:
    """Makes a person who is a member of the caller's workspace.

    Raises:
        NameTaken: somebody has the address, in this workspace or another; those are invited.
    """
    _check_quiet_hours(body)
    user = new_user(body.email, body.name, body.timezone, password_hash, now)
    user.quiet_hours = _windows(body)
    user.shift_notices = _notices(body)
    membership = new_membership(user.id, caller.workspace_id, body.role, now)
    await write_user(session, user, membership)
    after = _document(Member(user, membership))
    recording.record(session, caller, "created", KIND, user.id, now, after=after)
    return user


def new_user(
    email: str, name: str, timezone: str, password_hash: str | None, now: datetime
) -> User:
    return User(
        id=uuid7(),
        email=email,
        name=name,
        timezone=timezone,
        password_hash=password_hash,
        is_active=True,
        created_at=now,
        updated_at=now,
    )


def new_membership(user_id: UUID, workspace_id: UUID, role: Role, now: datetime) -> Membership:
    return Membership(
        user_id=user_id,
        workspace_id=workspace_id,
        role=role.value,
        created_at=now,
        updated_at=now,
    )


async def update(
    session: DatabaseSession,
    caller: Principal,
    user_id: UUID,
    body: UserPatch,
    password_hash: str | None,
    now: datetime,
) -> User:
    """Changes a person, or their role.

    Raises:
        NotInWorkspace: they are no member.
        NotPermitted: it is not the caller's to change.
        NameTaken: somebody has the address.
    """
    found = await member(session, caller, user_id)
    given = body.given()
    await _check_permitted(session, caller, found, given.keys())
    _check_quiet_hours(body)
    before = _document(found)
    if "quiet_hours" in given:
        given["quiet_hours"] = _windows(body)
    if "shift_notices" in given:
        given["shift_notices"] = _notices(body)
    given.pop("password", None)
    if (role := given.pop("role", None)) is not None and role.value != found.membership.role:
        found.membership.role = role.value
        found.membership.updated_at = now
    recording.assign(found.user, given)
    has_new_password = password_hash is not None
    if has_new_password:
        found.user.password_hash = password_hash
    was, became = audit_events.changed(before, _document(found))
    if not became and not has_new_password:
        return found.user
    if has_new_password or not found.user.is_active:
        await end_sessions(session, user_id)
    found.user.updated_at = now
    await write_user(session, found.user, found.membership)
    if has_new_password:
        became = {**became, "password": "changed"}
    recording.record(session, caller, "updated", KIND, user_id, now, before=was, after=became)
    return found.user


async def _check_permitted(
    session: DatabaseSession, caller: Principal, found: Member, names: Any
) -> None:
    if caller.is_operator:
        return
    is_self, is_admin = caller.user_id == found.user.id, caller.role.includes(Role.ADMIN)
    others = set(names) - (_OWN if is_self else set())
    if not others:
        if not is_self and not is_admin:
            raise NotPermitted("Only they themselves and admins change this.")
        return
    if not is_admin:
        raise NotPermitted(f"Only admins change {', '.join(sorted(others))}.")
    if others != {"role"} and await is_member_elsewhere(
        session, caller.workspace_id, found.user.id
    ):
        raise NotPermitted(
            "They are a member of other workspaces, too: only their role here can be changed here."
        )


def check_may_set_password(caller: Principal) -> None:
    """Makes sure that the caller may set somebody's password without knowing the one before.

    Raises:
        NotPermitted: the caller does not run this installation.
    """
    if not caller.is_operator:
        raise NotPermitted(
            "A password is chosen by whom it is for: send an invitation. On the server, `tocsin user "
            "edit --password-stdin` sets one."
        )


async def may_replace_password(stored: str | None, current: str | None) -> bool:
    """Whether the current password was given; where there is none, nothing need be."""
    return stored is None or (current is not None and await is_password(stored, Secret(current)))


async def hashed(password: str | None) -> str | None:
    """Of a password that was given. Not within a transaction: it takes a while."""
    return None if password is None else await hash_password(Secret(password))


async def remove(session: DatabaseSession, caller: Principal, user_id: UUID, now: datetime) -> None:
    """Takes somebody out of the workspace; who is a member of no other is deleted. On its schedules
    whoever is next takes over.

    Raises:
        NotInWorkspace: they are no member.
    """
    found = await member(session, caller, user_id)
    before = _document(found)
    await schedules.release_user(session, caller, user_id, now)
    await remove_member(session, found, now)
    recording.record(session, caller, "deleted", KIND, user_id, now, before=before)


def _windows(body: UserIn | UserPatch) -> list[dict[str, Any]] | None:
    """The quiet hours of a body as the table keeps them."""
    windows = [window.model_dump(mode="json") for window in body.quiet_hours or ()]
    return windows or None


def _notices(body: UserIn | UserPatch) -> dict[str, Any] | None:
    """Which notices of shifts a body asks for, as the table keeps it; None for nothing."""
    wanted = body.shift_notices
    if wanted is None or not (wanted.before_minutes or wanted.at_end):
        return None
    return {
        "before_minutes": sorted(set(wanted.before_minutes), reverse=True),
        "at_end": wanted.at_end,
    }


def _check_quiet_hours(body: UserIn | UserPatch) -> None:
    # Whatever zone the person's is: no window is wrong, or without end, in one only.
    windows = [{**each, "timezone": each["timezone"] or "UTC"} for each in _windows(body) or ()]
    if faults := validate_quiet_hours(windows):
        raise InvalidRequest(faults)
