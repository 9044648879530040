"""Where a fault of our own arose, without its text, which may hold what must not be logged."""

from __future__ import annotations

import os


def place(error: BaseException) -> str | None:
    """File and line of the innermost frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return None
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
