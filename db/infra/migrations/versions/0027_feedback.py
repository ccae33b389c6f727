"""What people think of answers; and the service may read how far the schema is."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0027"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
