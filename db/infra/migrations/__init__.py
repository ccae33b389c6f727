"""The schema's revisions: plain SQL, run by Alembic (see `db.infra.migrate`)."""
