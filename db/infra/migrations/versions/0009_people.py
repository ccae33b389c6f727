"""One person with several accounts; their data, its export and deletion; and who is allowed in."""

from db.infra.migrations.script import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
