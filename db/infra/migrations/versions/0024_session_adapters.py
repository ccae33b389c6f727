"""The set of adapters that a session is answered with."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0024"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
