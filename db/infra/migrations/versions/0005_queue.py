"""The queue between processes."""

from db.infra.migrations.script import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
