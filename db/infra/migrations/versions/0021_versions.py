"""Running programs say which version they are; the function that an earlier release calls means what it meant."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0021"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
