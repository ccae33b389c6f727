"""What the author wrote, in chunks that can be found and cited."""

from db.infra.migrations.script import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
