"""Bytes of a form in parts (multipart/form-data, RFC 7578) to its text fields. Files in it are left out:
no tool puts its alert into one."""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

from tocsin.ingest.sources.kit.form import MAX_FORM_FIELDS, FormFields, add_field
from tocsin.model import Fault

MEDIA_TYPE: Final = "multipart/form-data"

_NAME: Final = re.compile(rb'[;\s]name="([^"\r\n]*)"', re.IGNORECASE)
_FILE: Final = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)


def read_parts(body: bytes, content_type: str) -> FormFields | Fault:
    """The fields in `body`; `content_type` says what stands between its parts."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        return Fault("", "not-json", "the Content-Type of the form in parts names no boundary")
    # A boundary begins a line, the first one, too.
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if not parts:
        message = "the boundary that Content-Type names is nowhere in the form"
        return Fault("", "not-json", message)
    if len(parts) > MAX_FORM_FIELDS:
        return Fault("", "not-json", f"the form has more than {MAX_FORM_FIELDS} fields")
    form = FormFields({})
    for part in parts:
        if part.startswith(b"--"):
            break
        head, blank_line, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not blank_line or name is None:
            return Fault("", "not-json", "a part of the form has no name")
        if _FILE.search(head) is not None:
            continue
        shown = name[1].decode("utf-8", "replace")
        try:
            add_field(form.fields, shown, value.decode("utf-8"))
        except UnicodeDecodeError:
            message = f"the form is not UTF-8 text, in the field `{shown[:60]}`"
            return Fault("", "invalid-utf8", message)
    return form
