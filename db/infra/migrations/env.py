"""What Alembic runs for every command; `db.infra.migrate` hands it a connection that is already in a transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
