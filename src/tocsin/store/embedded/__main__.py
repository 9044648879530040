"""`python -m tocsin.store.embedded DATA_DIR PROGRAM [ARGUMENT…]`: run one of PostgreSQL's own
programs (psql, pg_dump, pg_restore…) on an embedded server, started for it if it is not running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tocsin.store.embedded import EmbeddedError, EmbeddedPostgres
from tocsin.store.embedded.binaries import packaged
from tocsin.store.embedded.configuration import ROLE


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    server = EmbeddedPostgres(Path(arguments[0]))
    try:
        with server:
            # psql, pg_dump and their like read these, and options still override them.
            reach = {
                "PGHOST": str(server.socket_folder),
                "PGPORT": "5432",
                "PGUSER": ROLE,
                "PGDATABASE": server.dbname,
            }
            command = [str(packaged() / arguments[1]), *arguments[2:]]
            done = subprocess.run(command, env={**os.environ, **reach}, check=False)  # noqa: S603
            return done.returncode
    except FileNotFoundError:
        names = ", ".join(sorted(path.name for path in packaged().iterdir()))
        print(f"no program {arguments[1]!r}; there are {names}", file=sys.stderr)
        return 2
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
