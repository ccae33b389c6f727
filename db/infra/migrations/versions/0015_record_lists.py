"""The numbers under which a person was shown what is remembered of them."""

from db.infra.migrations.script import run

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
