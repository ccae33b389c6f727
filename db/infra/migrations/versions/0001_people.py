"""The service's role, people and the names platforms know them by."""

from db.infra.migrations.script import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
