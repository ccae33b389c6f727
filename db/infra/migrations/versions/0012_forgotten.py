"""Turns that are kept out of what a model is shown, and those that are still to be remembered."""

from db.infra.migrations.script import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
