"""A fault of our own as the log may have it: its kind and place, never its text, which may hold a URL
that is a secret, or somebody's alert."""

from __future__ import annotations

import os

import psycopg


def described(error: BaseException) -> dict[str, str | None]:
    """Fields for a log line: the kind of error, file and line of the innermost frame, and for
    PostgreSQL's errors the SQLSTATE."""
    fields = {"error": type(error).__name__, "at": _place(error)}
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        fields["sqlstate"] = error.sqlstate
    return fields


def _place(error: BaseException) -> str | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return None
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
