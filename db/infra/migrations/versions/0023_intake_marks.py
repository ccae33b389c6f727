"""How far messages of a platform that delivers nothing twice have been taken in."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0023"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
