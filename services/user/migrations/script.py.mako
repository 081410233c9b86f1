"""${message}."""

from zero_runtime.model import migrations

revision = "${up_revision}"
down_revision = ${f'"{down_revision}"' if isinstance(down_revision, str) else repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    migrations.execute(
        sqlite=(),
        mysql=(),
        postgresql=(),
    )


def downgrade() -> None:
    migrations.execute(
        sqlite=(),
        mysql=(),
        postgresql=(),
    )
