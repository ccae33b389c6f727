"""How far messages of a platform that delivers nothing twice have been taken in."""

from db.infra.migrations.script import run

revision = "0022"
down_revision = "0019"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
