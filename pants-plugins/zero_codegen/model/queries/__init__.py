"""Own statements of people: `-- name: take :exec` above a statement in the contract, in sqlc's form.

Each is read against the tables of its contract, typed, and written for every database; it becomes a method of
the repository of the table that it is first about. What would behave differently somewhere is refused.
"""

from __future__ import annotations

from zero_codegen.model.queries.query import Member, Query
from zero_codegen.model.queries.reading import read

__all__ = ["Member", "Query", "read"]
