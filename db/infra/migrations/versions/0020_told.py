"""Finds what a person has said and the memory has not taken in yet."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0020"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
