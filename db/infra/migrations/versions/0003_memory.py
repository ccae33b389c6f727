"""What a person has said."""

from db.infra.migrations.script import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
