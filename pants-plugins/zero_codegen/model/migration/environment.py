"""What alembic needs beside its revisions."""

from __future__ import annotations

from pathlib import PurePosixPath

_ENV = '''\
"""Alembic runs this for every command: https://alembic.sqlalchemy.org/en/latest/tutorial.html."""

from zero_runtime.model import migrations

migrations.run()
'''

_INI = """\
# alembic -c {ini} -x source=postgresql://user:password@host/name upgrade head
# Without `-x source=…` the variable ZERO_DATA_SOURCE names the database, written as in DataSource.
[alembic]
script_location = %(here)s/{folder}
"""

_TEMPLATE = '''\
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
'''


def environment(folder: PurePosixPath) -> dict[str, str]:
    """The files by their paths: two in the folder of migrations, and `alembic.ini` beside it."""
    ini = folder.parent / "alembic.ini"
    return {
        (folder / "env.py").as_posix(): _ENV,
        (folder / "script.py.mako").as_posix(): _TEMPLATE,
        ini.as_posix(): _INI.format(ini=ini.as_posix(), folder=folder.name),
    }
