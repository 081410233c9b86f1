"""Real servers for tests: each starts on a free loopback port with data of its own and is gone after the
block."""

from tests.servers.mariadb import MariaDb, mariadb
from tests.servers.postgresql import PostgreSql, postgresql
from tests.servers.process import require

__all__ = ["MariaDb", "PostgreSql", "mariadb", "postgresql", "require"]
