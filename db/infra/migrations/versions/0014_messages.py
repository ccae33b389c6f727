"""What came with a message beside its text, and messages that come in several parts."""

from db.infra.migrations.script import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
