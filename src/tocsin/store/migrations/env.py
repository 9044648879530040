"""Alembic's entry: one transaction for all pending migrations, one node at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from tocsin.store.tables import Base

# Any constant will do, as long as every node takes the same.
MIGRATION_LOCK = 0x746F6373696E

engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        context.run_migrations()
engine.dispose()
