"""Answers by two voices: asked for by a turn or for a whole session, and what each voice has said."""

from db.infra.migrations.script import run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
