"""Alembic's entry: each pending migration in a transaction of its own, one node at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from tocsin.store.database import DIALECT
from tocsin.store.tables import Base

# Any constant will do, as long as every node takes the same.
MIGRATION_LOCK = 0x746F6373696E

engine = create_engine(
    DIALECT, creator=context.config.attributes["connect"], poolclass=pool.NullPool
)
# The lock has a transaction to itself: a migration that takes long may commit in between.
with engine.connect() as guard, guard.begin(), engine.connect() as connection:
    guard.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    guard.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
