"""The keys of programs that use the HTTP channel, and what a turn is counted as."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0025"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
