"""What OpenAI's responses have beside a turn's question and answer."""

from db.infra.migrations.revisions import preceding
from db.infra.migrations.script import run

revision = "0026"
down_revision = preceding(revision)


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
