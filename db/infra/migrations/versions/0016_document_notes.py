"""What readers tell about documents of the library beside their text."""

from db.infra.migrations.script import run

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
