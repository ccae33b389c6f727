"""The list of what has been deleted at a person's wish, which is applied when a backup is restored."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0022"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
