"""Turns that outlive the process they were asked in."""

from db.infra.migrations.script import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
