"""Changing a document of the API: member by member, or in the editor of whoever does it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.cli.kit.exits import Exit, Failure


def with_assignments(said: Sequence[str]) -> dict[str, Any]:
    """`member=value`, each value JSON if it can be read as such, else text.

    Raises:
        Failure: one has no equals sign.
    """
    members: dict[str, Any] = {}
    for each in said:
        name, equals, text = each.partition("=")
        if not equals or not name.strip():
            # Not the text itself: it may be a secret.
            raise Failure("--set must read MEMBER=VALUE", code=Exit.USAGE)
        try:
            members[name.strip()] = json.loads(text)
        except ValueError:
            members[name.strip()] = text
    return members


def edited(document: Mapping[str, Any], save: Callable[[dict[str, Any]], Any]) -> Any:
    """Lets `$VISUAL` or `$EDITOR` change the document, and saves what differs; None if nothing does.

    Raises:
        Failure: there is no editor, or what was written cannot be saved; it is kept in a file then.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor or not sys.stdin.isatty():
        raise Failure(
            "say what to change: --set MEMBER=VALUE, or --from FILE; at a terminal with $EDITOR set, "
            "the document is opened in it",
            code=Exit.USAGE,
        )
    descriptor, name = tempfile.mkstemp(prefix="tocsin-", suffix=".json")
    path = Path(name)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    ended = subprocess.run([*shlex.split(editor), name], check=False)  # noqa: S603 - the user's own
    if ended.returncode:
        path.unlink()
        raise Failure(f"{editor} ended with {ended.returncode}; nothing was changed")
    try:
        changed = _differing(document, path.read_text(encoding="utf-8"))
        made = save(changed) if changed else None
    except Failure as failure:
        raise Failure(*failure.lines, f"what you wrote is in {path}", code=failure.code) from None
    path.unlink()
    return made


def _differing(before: Mapping[str, Any], text: str) -> dict[str, Any]:
    try:
        after = json.loads(text)
    except ValueError as error:
        raise Failure(f"that is not JSON: {error}") from None
    if not isinstance(after, dict):
        raise Failure("that is not one JSON object")
    gone = before.keys() - after.keys()
    if gone:
        raise Failure(f"members are missing: {', '.join(sorted(gone))}; null empties one")
    return {name: value for name, value in after.items() if before.get(name) != value}
