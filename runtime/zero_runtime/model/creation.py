"""The order in which tables are made."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter

from zero_runtime.model.statement import Schema, TableSchema


def ordered(schemas: Iterable[Schema]) -> list[TableSchema]:
    """The tables, each after those that it refers to, and else in the order in which they come. Those that it
    refers to and that are not among them have to be there."""
    tables = {table.name: table for schema in schemas for table in schema.tables}
    order: TopologicalSorter[str] = TopologicalSorter()
    for table in tables.values():
        order.add(table.name, *(name for name in table.references if name in tables and name != table.name))
    return [tables[name] for name in order.static_order()]
