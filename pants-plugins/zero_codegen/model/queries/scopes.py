"""What names mean in a query: its tables, their columns, and which can be selected after grouping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.queries.reader import Columns
from zero_codegen.model.queries.texts import name, write
from zero_codegen.model.queries.values import Refused, Value, of_column
from zero_codegen.model.schema import Table


@dataclass(frozen=True, slots=True)
class Source:
    """A table, or a query in its place, by its name in FROM. `columns` are by their folded names."""

    alias: str
    columns: Mapping[str, Value]
    names: tuple[str, ...]
    table: Table | None = None
    is_outer: bool = False
    """Whether a row of it may be missing: the right side of a LEFT JOIN."""

    @classmethod
    def of_table(cls, table: Table, alias: str, *, is_outer: bool = False) -> Source:
        columns = {
            column.name.casefold(): of_column(column, name(column.name), nullable=is_outer)
            for column in table.columns
        }
        return cls(alias, columns, tuple(column.name for column in table.columns), table, is_outer)


@dataclass
class Scope:
    """The names of one query; what it does not know, the query around it may."""

    sources: dict[str, Source] = field(default_factory=dict)
    outer: Columns | None = None
    is_qualified: bool = False
    """Whether columns are written with their table."""
    is_grouped: bool = False
    group: set[tuple[str, str]] | None = None
    """The columns that can be selected as they are; None where all can."""
    not_null: set[tuple[str, str]] = field(default_factory=set)
    takes_aggregates: bool = False
    _is_aggregating: bool = False

    def add(self, source: Source, node: exp.Expr) -> None:
        if source.alias.casefold() in self.sources:
            raise Refused(
                f"two tables are called `{source.alias}`", "give one of them another: AS …", at=node
            )
        self.sources[source.alias.casefold()] = source

    def column(self, node: exp.Column) -> Value:
        if node.table:
            source = self.sources.get(node.table.casefold())
            if source is None:
                return self._of_outer(node, self._unknown_table(node))
            if node.name.casefold() not in source.columns:
                message = f"`{source.alias}` has no column `{node.name}`"
                raise Refused(message, did_you_mean(node.name, source.names), at=node.this)
            return self.of_source(source, node.name, node)
        found = [source for source in self.sources.values() if node.name.casefold() in source.columns]
        if len(found) > 1:
            which = " or ".join(f"`{source.alias}.{node.name}`" for source in found)
            raise Refused(f"`{node.name}` is a column of several tables", f"write {which}", at=node)
        if not found:
            names = [known for source in self.sources.values() for known in source.names]
            unknown = Refused(f"there is no column `{node.name}`", did_you_mean(node.name, names), at=node)
            return self._of_outer(node, unknown)
        return self.of_source(found[0], node.name, node)

    def of_source(self, source: Source, column: str, node: exp.Expr) -> Value:
        """A column of one of the tables here. Raises Refused where it is not grouped and has to be."""
        place = source.alias.casefold(), column.casefold()
        if self.group is not None and not self._is_aggregating and place not in self.group:
            message = f"`{column}` is neither grouped nor aggregated: which row's it is, databases choose"
            raise Refused(message, "add it to GROUP BY, or take MIN or MAX of it", at=node)
        value = source.columns[place[1]]
        texts = write("{}.{}", name(source.alias), value.texts) if self.is_qualified else value.texts
        return replace(value, texts=texts, nullable=value.nullable and place not in self.not_null)

    def aggregate(self, node: exp.Expr, read: Callable[[], Value]) -> Value:
        if not self.takes_aggregates:
            raise Refused("aggregates belong to SELECT, HAVING and ORDER BY", at=node)
        if self._is_aggregating:
            raise Refused("an aggregate of an aggregate is not supported", at=node)
        self._is_aggregating = True
        try:
            return read()
        finally:
            self._is_aggregating = False

    def _of_outer(self, node: exp.Column, unknown: Refused) -> Value:
        if self.outer is None:
            raise unknown
        return self.outer.column(node)

    def _unknown_table(self, node: exp.Column) -> Refused:
        renamed = [
            source.alias
            for source in self.sources.values()
            if source.table is not None and source.table.name.casefold() == node.table.casefold()
        ]
        hint = f"it is called `{renamed[0]}` here" if renamed else None
        hint = hint or did_you_mean(node.table, [source.alias for source in self.sources.values()])
        return Refused(f"there is no table `{node.table}` in FROM", hint, at=node.args["table"])
