"""Contact methods: each is one person's own; looked at, verified, tried."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Response

from tocsin.access.api_keys import Principal
from tocsin.api.alert_deliveries import AlertDeliveryOut
from tocsin.api.auth import Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.problem_answers import ApiProblem
from tocsin.api.trials import queued
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import utc_now
from tocsin.resources import contact_methods
from tocsin.resources.contact_methods import (
    ContactMethodOut,
    ContactMethodPatch,
    NotVerified,
    contact_method,
    shown,
)
from tocsin.resources.contact_verification import (
    CODES_A_DAY,
    AlreadyVerified,
    CodeIn,
    CodeOutcome,
    NoLiveCode,
    TooManyCodes,
    WrongCode,
    send_code,
    verify,
)
from tocsin.resources.destination_trials import (
    INTERVAL_SECONDS,
    TrialQueued,
    TrialRateLimited,
    last_tests,
)
from tocsin.resources.fields import Id
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_deliveries import read_delivery
from tocsin.store.tables import AlertDestination

router = APIRouter(prefix="/contact-methods", tags=["contact-methods"], route_class=JsonRoute)

_DAY = 86_400


def policy_of(context: ApiContext) -> AddressPolicy:
    return AddressPolicy.of(context.settings.outbound_allow)


async def shown_methods(
    session: DatabaseSession, caller: Principal, rows: Sequence[AlertDestination]
) -> list[ContactMethodOut]:
    tests = await last_tests(session, caller.workspace_id, [row.id for row in rows])
    return [shown(row, caller, tests[row.id]) for row in rows]


def answer_code(outcome: CodeOutcome) -> TrialQueued:
    """The message that carries the code.

    Raises:
        ApiProblem: there is none.
    """
    match outcome:
        case AlreadyVerified():
            raise ApiProblem("already-verified", "It is verified already.")
        case TooManyCodes():
            raise ApiProblem(
                "code-rate-limited",
                f"{CODES_A_DAY} codes were sent to this person's contact methods in a day.",
                headers={"Retry-After": str(_DAY)},
            )
        case TrialRateLimited(retry_after=seconds):
            raise ApiProblem(
                "code-rate-limited",
                f"One code in {INTERVAL_SECONDS} seconds; try again in {seconds}.",
                headers={"Retry-After": str(seconds)},
            )
        case _:
            return queued(outcome, contact_methods.KIND_NAME)


@router.get("/{contact_method_id:uuid}")
async def get_contact_method(
    context: Context, caller: Viewer, contact_method_id: Id
) -> ContactMethodOut:
    async with context.reading() as session:
        row = await contact_method(session, caller, contact_method_id)
        (found,) = await shown_methods(session, caller, [row])
    return found


@router.patch("/{contact_method_id:uuid}", responses=problems("forbidden"))
async def update_contact_method(
    context: Context, caller: Viewer, contact_method_id: Id, body: ContactMethodPatch
) -> ContactMethodOut:
    """Its label, and whether it is switched on. For another address, add another contact method."""
    async with context.configuring() as session:
        row = await contact_methods.update(session, caller, contact_method_id, body, utc_now())
        (changed,) = await shown_methods(session, caller, [row])
    return changed


@router.delete("/{contact_method_id:uuid}", status_code=204, responses=problems("forbidden"))
async def delete_contact_method(
    context: Context, caller: Viewer, contact_method_id: Id
) -> Response:
    """Deletes one, with the notification rules that name it. Pages that wait for it are canceled."""
    async with context.configuring() as session:
        await contact_methods.delete(session, caller, contact_method_id, utc_now())
    return Response(status_code=204)


@router.post(
    "/{contact_method_id:uuid}/code",
    status_code=202,
    responses=problems(
        "forbidden", "already-verified", "destination-disabled", "code-rate-limited"
    ),
)
async def send_contact_code(
    context: Context, caller: Viewer, contact_method_id: Id
) -> AlertDeliveryOut:
    """Sends a new code; the previous one stops working."""
    async with context.writing() as session:
        outcome = await send_code(session, context.codes, caller, contact_method_id, utc_now())
        row = await read_delivery(session, answer_code(outcome).alert_delivery_id)
        return AlertDeliveryOut.model_validate(row)


@router.post(
    "/{contact_method_id:uuid}/verify",
    responses=problems("forbidden", "wrong-code", "no-live-code"),
)
async def verify_contact_method(
    context: Context, caller: Viewer, contact_method_id: Id, body: CodeIn
) -> ContactMethodOut:
    """Takes the code that was sent to it; from now on it is paged. Only its owner enters it."""
    async with context.configuring() as session:
        # A wrong code must be committed: it is counted.
        outcome = await verify(
            session, context.codes, caller, contact_method_id, body.code, utc_now()
        )
    match outcome:
        case WrongCode(tries_left=left):
            words = f"{left} more may be tried." if left else "Ask for a new one."
            raise ApiProblem("wrong-code", f"That is not the code that was sent. {words}")
        case NoLiveCode():
            raise ApiProblem("no-live-code", "There is no code to enter now; ask for a new one.")
        case verified:
            async with context.reading() as session:
                (found,) = await shown_methods(session, caller, [verified.row])
            return found


@router.post(
    "/{contact_method_id:uuid}/test",
    name="test_contact_method",
    status_code=202,
    responses=problems("forbidden", "not-verified", "destination-disabled", "test-rate-limited"),
)
async def try_contact_method(
    context: Context, caller: Viewer, contact_method_id: Id
) -> AlertDeliveryOut:
    """Sends a test message the way a page is sent. Only its owner does."""
    async with context.writing() as session:
        outcome = await contact_methods.plan_test(session, caller, contact_method_id, utc_now())
        if isinstance(outcome, NotVerified):
            raise ApiProblem("not-verified", "Enter the code that was sent to it first.")
        trial = queued(outcome, contact_methods.KIND_NAME)
        delivery = await read_delivery(session, trial.alert_delivery_id)
        return AlertDeliveryOut.model_validate(delivery)
