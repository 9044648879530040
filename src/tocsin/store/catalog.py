"""The schema as PostgreSQL itself describes it: what `migrate --check` compares.

`describe` reads the catalog into one line per object; `schema.json` beside this file holds what the
migrations are known to give. A difference is drift: somebody changed the database by hand, or a
migration was forgotten. A test holds migrations, typed tables and the file to one another.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import psycopg

_QUERIES = {
    "table": """
        SELECT relname, 'table' FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
          AND relname <> 'alembic_version'
    """,
    "column": """
        SELECT c.relname || '.' || a.attname,
               format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
               || CASE WHEN a.attidentity <> '' THEN ' IDENTITY' ELSE '' END
               || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
          AND c.relname <> 'alembic_version' AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "index": """
        SELECT c.relname, pg_get_indexdef(i.indexrelid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version_pkc'
    """,
    # PostgreSQL 18 lists NOT NULL here too; the columns above already say it for every version.
    "constraint": """
        SELECT c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('p', 'u', 'f', 'c', 'x')
          AND c.relname <> 'alembic_version'
    """,
    "enum": """
        SELECT t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
        FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
        WHERE t.typnamespace = 'public'::regnamespace
        GROUP BY t.typname
    """,
    "trigger": """
        SELECT c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
    """,
    "function": """
        SELECT p.proname, md5(p.prosrc) FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
          AND NOT EXISTS (
              SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'
          )
    """,
}


def describe(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Every object of the schema: `{"column alerts.title": "text NOT NULL", …}`, sorted."""
    found: dict[str, str] = {}
    for kind, query in _QUERIES.items():
        for name, definition in connection.execute(query):
            found[f"{kind} {name}"] = definition
    return dict(sorted(found.items()))


def expected() -> dict[str, str]:
    text = resources.files("tocsin.store").joinpath("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def expected_on(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """What is expected of this server: without trigrams it has no index of words."""
    has_trigrams = connection.execute("SELECT FROM pg_extension WHERE extname = 'pg_trgm'")
    if has_trigrams.fetchone() is not None:
        return expected()
    return {name: text for name, text in expected().items() if "gin_trgm_ops" not in text}


def differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """One readable line per difference; empty where the schema is as it should be."""
    lines = []
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            lines.append(f"missing: {name} ({wanted[name]})")
        elif name not in wanted:
            lines.append(f"unexpected: {name} ({found[name]})")
        elif found[name] != wanted[name]:
            lines.append(f"changed: {name} is {found[name]}, should be {wanted[name]}")
    return lines
