"""Who said what, where and to whom it may be said again; vectors that come later."""

from db.infra.migrations.script import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run(__file__, "up")


def downgrade() -> None:
    run(__file__, "down")
