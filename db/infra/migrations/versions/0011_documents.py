"""Documents that people send: with their turns, in their memory, and in the library."""

from db.infra.migrations.script import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
