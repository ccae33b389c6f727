"""What was done that an operator may have to account for."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0018"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
