"""Alembic runs this for every command: https://alembic.sqlalchemy.org/en/latest/tutorial.html."""

from zero_runtime.model import migrations

migrations.run()
