"""Proving that a contact method is its owner's: a code is sent to it, and its owner enters it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.access.contact_codes import CODE_DIGITS, LIFETIME, WRONG_CODES_ALLOWED, ContactCodes
from tocsin.model import Reason
from tocsin.resources import recording
from tocsin.resources.contact_methods import KIND, contact_method, owner_of
from tocsin.resources.destination_trials import TrialOutcome, TrialQueued, plan_trial
from tocsin.resources.fields import Input, example
from tocsin.resources.members import require_manager, require_owner
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.contact_methods import (
    codes_sent_today,
    drop_code,
    keep_code,
    lock_code,
)
from tocsin.store.tables import AlertDestination

CODES_A_DAY = 20
"""To all contact methods of one person: text messages cost money, and a number may be a stranger's."""


class CodeIn(Input):
    code: Annotated[
        str,
        StringConstraints(strict=True, max_length=20),
        Field(description=f"The {CODE_DIGITS} digits that were sent to it"),
    ]

    model_config = example({"code": "042137"})


@dataclass(frozen=True, slots=True)
class ContactVerified:
    row: AlertDestination


@dataclass(frozen=True, slots=True)
class WrongCode:
    """So many more may be tried."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class NoLiveCode:
    """None was sent, it is too old, or too many wrong ones were entered."""


@dataclass(frozen=True, slots=True)
class AlreadyVerified:
    pass


@dataclass(frozen=True, slots=True)
class TooManyCodes:
    """So many were sent to this person's contact methods in a day."""


VerifyOutcome = ContactVerified | WrongCode | NoLiveCode
CodeOutcome = TrialOutcome | AlreadyVerified | TooManyCodes


async def send_code(
    session: DatabaseSession,
    codes: ContactCodes,
    caller: Principal,
    contact_method_id: UUID,
    now: datetime,
) -> CodeOutcome:
    """Sends a code, in the place of any that was sent before; one a minute.

    The code is made from the id of the message that carries it, when that is sent: here, only a keyed
    hash is kept.

    Raises:
        NotInWorkspace: there is no such contact method.
        NotPermitted: the caller is neither its owner nor an admin.
    """
    row = await contact_method(session, caller, contact_method_id)
    require_manager(caller, owner_of(row))
    if row.verified_at is not None:
        return AlreadyVerified()
    if await codes_sent_today(session, owner_of(row)) >= CODES_A_DAY:
        return TooManyCodes()
    outcome = await plan_trial(session, caller.workspace_id, contact_method_id, Reason.VERIFICATION)
    if isinstance(outcome, TrialQueued):
        code = codes.code(outcome.alert_delivery_id)
        await keep_code(
            session, contact_method_id, codes.hash(contact_method_id, code), now + LIFETIME
        )
        after = {"alert_delivery_id": str(outcome.alert_delivery_id)}
        recording.record(session, caller, "code-sent", KIND.name, row.id, now, after=after)
    return outcome


async def verify(
    session: DatabaseSession,
    codes: ContactCodes,
    caller: Principal,
    contact_method_id: UUID,
    typed: str,
    now: datetime,
) -> VerifyOutcome:
    """Takes the code that was sent. What it returns must be committed, wrong codes too: they are
    counted, and a code is dead after some.

    Raises:
        NotInWorkspace: there is no such contact method.
        NotPermitted: the caller is not its owner.
    """
    row = await contact_method(session, caller, contact_method_id)
    require_owner(caller, owner_of(row))
    if row.verified_at is not None:
        return ContactVerified(row)
    code = await lock_code(session, contact_method_id)
    if code is None or code.expires_at <= now or code.wrong_count >= WRONG_CODES_ALLOWED:
        return NoLiveCode()
    if not codes.is_code(code.code_hash, contact_method_id, typed):
        code.wrong_count += 1
        await session.flush()
        return WrongCode(WRONG_CODES_ALLOWED - code.wrong_count)
    await drop_code(session, code)
    async with recording.changing(session, caller, KIND, row, now, action="verified"):
        row.verified_at = now
    return ContactVerified(row)
