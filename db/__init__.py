"""Postgres: pool, migrations and the rows people own. Knows nothing of models or channels."""
