"""Accounts are linked when both agree; of turns too, nothing private exists in a chat with others."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0017"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
