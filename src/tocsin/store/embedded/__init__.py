"""The embedded PostgreSQL: one server per data folder, there for as long as anybody uses it.

    with EmbeddedPostgres(data_dir) as url:
        psycopg.connect(url)

Read `manager.py` first; `keeper.py` is the small process that stands beside the server.
"""

from tocsin.store.embedded.errors import EmbeddedError
from tocsin.store.embedded.manager import EmbeddedPostgres

__all__ = ["EmbeddedError", "EmbeddedPostgres"]
