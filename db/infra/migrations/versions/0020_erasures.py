"""The list of what has been deleted at a person's wish, which is applied when a backup is restored."""

from db.infra.migrations.script import run

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
