"""Every problem the server can answer with, as RFC 9457 problem details. Pure: no I/O.

One registry for the webhook endpoint and the API, so that a problem has the same name, status and
page wherever it is met. `type` is a path of the running server: `/problems/{slug}` explains it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tocsin.model import Fault

MEDIA_TYPE = "application/problem+json"
"""RFC 9457, section 3."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem: `title` and `status` go into every answer, the rest onto its page."""

    title: str
    status: int
    explanation: str
    what_to_do: str


PROBLEMS: Mapping[str, Problem] = MappingProxyType(
    {
        # Webhooks
        "missing-signature": Problem(
            "The webhook has no signature or credentials",
            401,
            "The request has no signature, token or credentials where the integration expects "
            "them, so it was not read any further. The attempt is on record.",
            "Look at the integration's signature_header and auth_scheme, and set the same header "
            "in the sending tool. If a proxy stands between them, make sure it passes the header "
            "on.",
        ),
        "invalid-signature": Problem(
            "The signature or credentials are wrong",
            401,
            "A signature, token or password was there, but it matches none of the integration's live "
            "secrets. The body may also have been changed on its way: a signature covers every "
            "byte of it.",
            "Compare the secret in the sending tool with the integration's; if in doubt, rotate "
            "it and enter the new one. Check that no proxy rewrites the body and that "
            "signature_algorithm, signature_format, signature_prefix and signed_content are what "
            "the tool uses.",
        ),
        "stale-timestamp": Problem(
            "The webhook was signed too long ago, or in the future",
            401,
            "The signed timestamp is further from this server's clock than the integration's "
            "timestamp_tolerance_seconds allows. This keeps a recorded webhook from being "
            "replayed.",
            "Synchronise the clocks of both machines (NTP). If the sender queues webhooks for "
            "long, raise timestamp_tolerance_seconds.",
        ),
        "signature-unchecked": Problem(
            "The signature cannot be checked at the moment",
            503,
            "The body is signed by Amazon SNS with a certificate that this server does not have yet "
            "and could not fetch from SNS. The webhook was not accepted; SNS sends it again.",
            "Let this server reach the hosts sns.*.amazonaws.com by https. If it never can, set the "
            "integration's auth_scheme to url: then the secret in the address alone proves the "
            "sender.",
        ),
        "integration-not-found": Problem(
            "There is no such integration",
            404,
            "No integration has the id in the address of the request.",
            "Copy the webhook address again from the integration (webhook_url).",
        ),
        "integration-inactive": Problem(
            "The integration is switched off",
            403,
            "The integration exists, but is_active is false: it takes no webhooks.",
            "Switch it on again, or stop the tool from sending to it.",
        ),
        "payload-too-large": Problem(
            "The body is too large",
            413,
            "The body is larger than this installation accepts (TOCSIN_MAX_BODY_BYTES, 1 MiB "
            "unless set otherwise). It was not read to its end.",
            "Make the tool send less in one request, or raise the limit.",
        ),
        "invalid-payload": Problem(
            "The webhook cannot be understood",
            400,
            "The sender is who it claims to be, but the body is not what this kind of source "
            "sends: not JSON, a field of the wrong type, or a required field is missing. Every "
            "fault found is listed in errors, each with a JSON pointer to its place.",
            "Fix the faults listed. For a generic integration, look at its mapping: the webhook "
            "delivery on record can be replayed with dry_run to try a new one.",
        ),
        "unsupported-encoding": Problem(
            "The body's encoding is not supported",
            415,
            "The body's Content-Encoding is none of gzip, deflate, br and zstd, or the charset in its "
            "Content-Type is not known here. The attempt is on record.",
            "Make the tool, or the proxy in between, send the body uncompressed or with gzip, and "
            "its text in UTF-8.",
        ),
        "overloaded": Problem(
            "The server is overloaded",
            503,
            "Webhooks arrive faster than they can be committed, and the queue is at its limit. "
            "Nothing of this request was kept.",
            "Send it again after the seconds in Retry-After; most tools do so by themselves. If "
            "it lasts, add workers or nodes, or look at the database.",
        ),
        "rate-limited": Problem(
            "The integration sends more than its rate limit allows",
            503,
            "The installation limits how many webhooks an integration may send per second "
            "(TOCSIN_RATE_LIMIT_PER_SECOND). Nothing of this request was kept.",
            "Send it again after the seconds in Retry-After. If the traffic is legitimate, raise "
            "the limit.",
        ),
        "database-unavailable": Problem(
            "The database cannot be reached",
            503,
            "The server is up, but its PostgreSQL is not, or it is shutting down. Nothing of this "
            "request was kept.",
            "Try again after the seconds in Retry-After. /readyz and `tocsin doctor` say what is "
            "wrong.",
        ),
        "request-timeout": Problem(
            "The body did not arrive in time",
            408,
            "The request's body came too slowly or stopped half-way. Nothing of it was kept.",
            "Send it again. If it happens often, look at the network or proxy in between.",
        ),
        # Any request
        "internal-error": Problem(
            "An error inside the server",
            500,
            "Something went wrong that is not the fault of the request. It is in the server's log "
            "with everything known about it.",
            "Try again. If it keeps happening, report it together with the log line of that time.",
        ),
        "malformed-request": Problem(
            "The request is not well-formed",
            400,
            "The request cannot be read: its body is not JSON (RFC 8259) in UTF-8, or is cut off.",
            "Check the body with a JSON tool; detail says where reading it stopped.",
        ),
        "method-not-allowed": Problem(
            "This address does not support the method",
            405,
            "The address exists, but not for this HTTP method. The Allow header lists those it "
            "supports.",
            "Use one of the methods in Allow.",
        ),
        "unsupported-media-type": Problem(
            "The body must be JSON",
            415,
            "The request has a body whose Content-Type is not application/json.",
            "Send the body as JSON with the header Content-Type: application/json.",
        ),
        "not-found": Problem(
            "Not found",
            404,
            "Nothing with this address or id exists in the workspace of the API key. What belongs "
            "to another workspace looks the same.",
            "Check the id, and that the API key belongs to the right workspace.",
        ),
        "unauthorized": Problem(
            "An API key is needed",
            401,
            "The request has no API key, or one that is unknown, revoked or expired.",
            "Send a live key as `Authorization: Bearer tsn_…`. `tocsin api-key create` makes one "
            "on the server.",
        ),
        "forbidden": Problem(
            "The API key's role does not allow this",
            403,
            "A viewer reads, a responder also acts on alerts and their messages, an admin also "
            "configures. The key's role is too low for this request, or it is something that only "
            "a person themselves may do.",
            "Use a key of the role named in detail, or a key of that person's own.",
        ),
        "validation-failed": Problem(
            "The request is well-formed, but not valid",
            422,
            "A value in the body or the query has the wrong type or is out of range, a required one "
            "is missing, or there is one too many. Every fault is listed in errors; its pointer is "
            "a JSON pointer into the body, or begins with /query for the query string.",
            "Fix the faults listed and send the request again.",
        ),
        "bad-cursor": Problem(
            "The cursor does not belong to this list",
            400,
            "The cursor is not one that an earlier answer of this list gave as next_cursor.",
            "Start again without a cursor, and pass next_cursor on unchanged.",
        ),
        # Conflicts with what exists, and limits
        "transition-not-allowed": Problem(
            "The alert's status does not allow this",
            409,
            "An alert goes OPEN, ACKNOWLEDGED, RESOLVED, CLOSED; from OPEN it may be resolved "
            "directly, anything may be closed, a resolved one may be reopened, and an acknowledgement "
            "taken back. CLOSED is final.",
            "Read the alert again: somebody else may have changed it first.",
        ),
        "step-moved-on": Problem(
            "The escalation has gone on",
            409,
            "The step that from_step names is over: the next one was taken meanwhile, or the "
            "escalation has ended. Nothing was done, or somebody would be woken by mistake.",
            "Look at GET /alerts/{id}/escalation, and ask again if it is still wanted.",
        ),
        "open-alert-exists": Problem(
            "Another alert for the same event is open",
            409,
            "The alert cannot be reopened: its source has since reported the same problem again, "
            "and that is an alert of its own which is still open.",
            "Work with the open alert named in detail.",
        ),
        "name-taken": Problem(
            "The name or slug is taken",
            409,
            "Another object of this kind in the workspace has the same name or slug.",
            "Choose another name, or change the existing object.",
        ),
        "in-use": Problem(
            "Something else still needs it",
            409,
            "The object cannot be deleted because others refer to it; detail names them.",
            "Remove the references first. An integration with history can be switched off "
            "(is_active false), or deleted together with its history (?purge=true).",
        ),
        "destination-disabled": Problem(
            "The destination is switched off",
            409,
            "Nothing is sent to a destination whose is_enabled is false, not even a test. A "
            "webhook receiver that answers 410 Gone switches its destination off, too.",
            "Switch the destination on (is_enabled true) and try again.",
        ),
        "test-rate-limited": Problem(
            "A test was sent a moment ago",
            429,
            "One destination can be tested once in 60 seconds.",
            "Look at the destination's last_test, or try again after the seconds in Retry-After.",
        ),
        "not-verified": Problem(
            "The contact method is not verified",
            409,
            "Nothing but a code is sent to a contact method before its owner has entered the code that "
            "was sent to it.",
            "Enter the code, or ask for a new one, and try again.",
        ),
        "already-verified": Problem(
            "The contact method is verified",
            409,
            "Its owner has entered a code that was sent to it; no other is needed.",
            "There is nothing to do. A test message shows that it works.",
        ),
        "wrong-code": Problem(
            "That is not the code",
            422,
            "The code is not the one that was sent last to the contact method. After five wrong ones "
            "it is no longer accepted.",
            "Look at the newest message, and enter its six digits. If none came, ask for a new code.",
        ),
        "no-live-code": Problem(
            "There is no code to enter",
            409,
            "No code was sent to the contact method, more than 15 minutes have passed since, or too "
            "many wrong ones were entered.",
            "Ask for a new code, and enter it within 15 minutes.",
        ),
        "code-rate-limited": Problem(
            "A code was sent a moment ago, or many were today",
            429,
            "A contact method is sent one code in 60 seconds, and all those of one person together "
            "twenty in a day.",
            "Wait for the message, or try again after the seconds in Retry-After.",
        ),
        "wrong-password": Problem(
            "That is not the password",
            403,
            "There is an account with the address of the invitation, and this is not its password, or "
            "it cannot sign in with one.",
            "Enter the password of that account. Whoever runs the installation can set another one: "
            "`tocsin user edit --password-stdin`.",
        ),
        "preview-rate-limited": Problem(
            "Previews are asked for too often",
            429,
            "An API key runs one preview at a time, and after one that took more than two seconds it "
            "waits as long again: a preview asks its matchers about thousands of alerts.",
            "Wait for the one that is running, or try again after the seconds in Retry-After.",
        ),
        "bulk-action-running": Problem(
            "The bulk action is still running",
            409,
            "A bulk action that is still running cannot be undone: the alerts that it has yet to reach "
            "would be changed after the undo.",
            "Cancel it first (POST /bulk-actions/{id}/cancel), or wait until its state is `done`.",
        ),
        "not-undoable": Problem(
            "The bulk action cannot be undone",
            409,
            "Notes stay, CLOSED is final, and people who were paged were paged. A bulk action is undone "
            "once, and one that itself undoes another cannot be undone.",
            "Look at what it did (GET /bulk-actions/{id}/alerts), and act on those alerts.",
        ),
        "not-retryable": Problem(
            "This delivery cannot be retried",
            409,
            "Only a delivery that has failed or was canceled can be put back in the queue.",
            "Read the delivery's status: if it is queued or deferred it will go out by itself.",
        ),
        "not-cancelable": Problem(
            "This delivery cannot be canceled",
            409,
            "Only a delivery that is still waiting can be canceled, and a test message cannot.",
            "Read the delivery's status and attempts.",
        ),
        "payload-truncated": Problem(
            "The body of this webhook was not kept in full",
            409,
            "Of attempts that failed verification only the beginning is kept, so that strangers "
            "cannot fill the disk. What is not complete cannot be replayed.",
            "Have the tool send the webhook again.",
        ),
        "not-replayable": Problem(
            "This webhook delivery cannot be replayed",
            409,
            "Its sender was never verified: it carried no valid signature or token.",
            "Look at it with dry_run. If you know where it is from, replay it as an admin with "
            "accept_unverified; otherwise correct the secret and have the tool send it again.",
        ),
    }
)


def problem_type(slug: str) -> str:
    """The `type` of a problem: where this server explains it."""
    return f"/problems/{slug}"


def problem_document(
    slug: str, detail: str, instance: str, errors: Iterable[Fault] = ()
) -> dict[str, Any]:
    """The members of RFC 9457, section 3.1, and `errors` if there are any.

    Raises:
        KeyError: if `slug` is not in `PROBLEMS`.
    """
    problem = PROBLEMS[slug]
    document: dict[str, Any] = {
        "type": problem_type(slug),
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "instance": instance,
    }
    if faults := [fault.document() for fault in errors]:
        document["errors"] = faults
    return document


def problem_body(slug: str, detail: str, instance: str, errors: Iterable[Fault] = ()) -> bytes:
    """`problem_document` as JSON. Plain ASCII, since a detail may quote what is not valid text."""
    return json.dumps(problem_document(slug, detail, instance, errors)).encode("ascii")
