"""Dead letters, and the state of turns that are given up for good."""

from db.infra.migrations.script import run

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
