"""One person under several names; what he holds, takes along and takes back; and who is let in."""

from db.infra.migrations.script import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
