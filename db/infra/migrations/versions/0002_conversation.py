"""Sessions and turns."""

from db.infra.migrations.script import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
