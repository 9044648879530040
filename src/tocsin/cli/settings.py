"""`tocsin settings`: what is in force here, and where it was set."""

from __future__ import annotations

import os

from rich.text import Text

from tocsin.cli.kit.output import Json, note, print_json, show
from tocsin.cli.kit.tables import table


def settings(json: Json = False) -> None:
    """Show the settings in force, where each was set, and where the settings file is. Secrets are
    not shown."""
    from tocsin.cli.kit.runtime import load_settings
    from tocsin.settings import in_force, settings_file

    shown = list(in_force(load_settings()))
    if json:
        print_json([{"name": s.name, "value": s.value, "origin": s.origin} for s in shown])
        return
    made = table("setting", "value", "set by")
    for each in shown:
        style = "dim" if each.origin is None else ""
        made.add_row(
            Text(each.name, style=style),
            Text(each.value or "", style=style),
            Text(each.origin or "default", style=style),
        )
    show(made)
    file = settings_file(os.environ)
    note(f"settings file: {file.path}{'' if file.exists else ' (there is none)'}")
