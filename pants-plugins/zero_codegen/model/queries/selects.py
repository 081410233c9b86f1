"""SELECT: what it gives, and its text for every database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlglot import exp

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.queries.conditions import condition, conjunction, conjuncts
from zero_codegen.model.queries.outputs import (
    Output,
    is_not_null,
    ordered_by,
    output_of,
    places_of,
    shown_as,
)
from zero_codegen.model.queries.parameters import Parameters
from zero_codegen.model.queries.reader import Columns, Reader, only
from zero_codegen.model.queries.scopes import Scope, Source
from zero_codegen.model.queries.texts import Texts, joined, name, write
from zero_codegen.model.queries.transpile import READERS
from zero_codegen.model.queries.values import INTEGER, Kind, Refused, Value, stored
from zero_codegen.model.schema import Column, Table
from zero_codegen.model.settings import Dialect


@dataclass(frozen=True, slots=True)
class Rows:
    """What a SELECT gives. `is_one` says that it is exactly one row always, `tables` what it reads."""

    texts: Texts
    outputs: tuple[Output, ...]
    is_one: bool
    locks: bool = False
    first: Table | None = None

    @property
    def row_of(self) -> Table | None:
        """The table whose rows these are: all its columns, in their order."""
        source = self.outputs[0].source
        if source is None or source.table is None or source.is_outer:
            return None
        columns = [output.value.column for output in self.outputs if output.source is source]
        is_whole = len(columns) == len(self.outputs) and tuple(columns) == source.table.columns
        return source.table if is_whole else None


@dataclass
class Selects:
    """Reads the queries of one statement over the tables of a contract."""

    tables: Mapping[str, Table]
    dialect: Dialect
    parameters: Parameters
    changed: Table | None = None
    """The table that the statement changes: MySQL cannot read it in a subquery."""
    mistakes: list[Refused] = field(default_factory=list)
    """What is wrong with parts of the statement, when the rest could be read on."""
    _named: dict[str, Source] = field(default_factory=dict)

    def reader(self, columns: Columns) -> Reader:
        return Reader(READERS, self.dialect, columns, self.parameters, self._subquery)

    @contextmanager
    def part(self) -> Iterator[None]:
        """Reads a part of the statement. After a mistake the next part is read, so that all are told."""
        try:
            yield
        except Refused as refused:
            self.mistakes.append(refused)

    def table(self, node: exp.Expr) -> Table:
        """The table of a name. Raises Refused."""
        assert isinstance(node, exp.Table)
        only(node, "this", "alias")
        if not isinstance(node.this, exp.Identifier):
            raise Refused("tables stand in FROM, functions do not", at=node)
        table = self.tables.get(node.name.casefold())
        if table is None:
            known = [known.name for known in self.tables.values()]
            raise Refused(f"there is no table `{node.name}`", did_you_mean(node.name, known), at=node.this)
        return table

    def rows(
        self,
        query: exp.Expr,
        outer: Columns | None = None,
        *,
        is_final: bool = False,
        into: Sequence[Column] = (),
    ) -> Rows:
        """Read a query. `is_final` says that its rows go to Python, `into` are the columns that it fills."""
        if isinstance(query, exp.SetOperation):
            raise Refused("UNION and its like are not supported", "write two statements", at=query)
        if not isinstance(query, exp.Select):
            raise Refused("this is no SELECT", at=query)
        only(query, *_CLAUSES)
        named = self._with(query)
        scope = Scope(outer=outer)
        reader = self.reader(scope)
        from_ = self._from(query, scope, reader)
        aliases = {node.alias.casefold() for node in query.expressions if isinstance(node, exp.Alias)}
        if any(aliases & source.columns.keys() for source in scope.sources.values()):
            scope.is_qualified = True  # so that no column can be taken for what has its name in the result
        where = self._where(query, scope, reader)
        group = self._group(query, scope, reader)
        outputs = self._outputs(query, scope, reader, into)
        word = "SELECT DISTINCT" if query.args.get("distinct") else "SELECT"
        if into:
            shown = joined(", ", list(self._stored(query, outputs, into)))
        else:
            shown = joined(", ", [shown_as(output, is_final=is_final) for output in outputs])
        parts = [write(f"{word} {{}}", shown), *from_, *where, *group]
        if having := query.args.get("having"):
            with self.part():
                parts.append(write("HAVING {}", condition(reader, having.this).texts))
        if order := query.args.get("order"):
            with self.part():
                parts.append(self._order(query, order, scope, reader, outputs))
        parts += self._limit(query, reader)
        if not outputs:
            raise self.mistakes.pop()
        texts = joined(" ", parts)
        locks = bool(query.args.get("locks"))
        if locks:
            texts = write("{} FOR UPDATE", self._locked(query, scope, texts), sqlite="{}")
        if named:
            texts = write("WITH {} {}", joined(", ", named), texts)
        is_one = scope.takes_aggregates and scope.group is not None and not (scope.is_grouped or having)
        first = next((source.table for source in scope.sources.values() if source.table), None)
        return Rows(texts, tuple(outputs), is_one and not query.args.get("limit"), locks, first)

    def _subquery(self, query: exp.Query, columns: Columns, is_value: bool) -> Value:
        rows = self.rows(query, columns)
        value = rows.outputs[0].value
        if not is_value:
            if len(rows.outputs) > 1 and not isinstance(query.parent, exp.Exists):
                raise Refused("this has several columns", "select one", at=query)
            return replace(
                value, texts=rows.texts, column=None, is_scaled=False, constant=None, is_operand=False
            )
        if len(rows.outputs) > 1:
            raise Refused("this has several columns, a value has one", at=query)
        if not rows.is_one and not _is_one(query.args.get("limit")):
            message = "of several rows SQLite takes the first, with the others it is an error"
            raise Refused(message, "take MIN or MAX, or say LIMIT 1", at=query)
        nullable = value.nullable or not rows.is_one
        return replace(
            value,
            texts=rows.texts,
            nullable=nullable,
            column=None,
            is_scaled=False,
            constant=None,
            is_operand=False,
        )

    def _with(self, query: exp.Select) -> list[Texts]:
        with_ = query.args.get("with_")
        if with_ is None:
            return []
        only(with_, "expressions")
        parts = []
        for part in with_.expressions:
            only(part, "this", "alias")
            alias = part.args["alias"]
            only(alias, "this")
            rows = self.rows(part.this)
            self._named[alias.name.casefold()] = self._derived(rows, alias.name, part)
            parts.append(write("{} AS ({})", name(alias.name), rows.texts))
        return parts

    def _derived(self, rows: Rows, alias: str, node: exp.Expr, *, is_outer: bool = False) -> Source:
        columns: dict[str, Value] = {}
        for output in rows.outputs:
            if output.name is None:
                raise Refused("a column of this query has no name", "give it one: AS …", at=output.node)
            if output.name.casefold() in columns:
                raise Refused(
                    f"two columns are called `{output.name}`", "give one another: AS …", at=output.node
                )
            columns[output.name.casefold()] = Value(
                name(output.name),
                output.value.type,
                output.value.nullable or is_outer,
                exact=output.value.exact,
            )
        return Source(alias, columns, tuple(output.name or "" for output in rows.outputs), is_outer=is_outer)

    def _from(self, query: exp.Select, scope: Scope, reader: Reader) -> list[Texts]:
        from_ = query.args.get("from_")
        if from_ is None:
            return []
        joins: Sequence[exp.Join] = query.args.get("joins") or []
        scope.is_qualified = bool(joins) or scope.outer is not None
        parts = [write("FROM {}", self._source(from_.this, scope, is_outer=False))]
        for join in joins:
            parts.append(self._join(join, scope, reader))
        return parts

    def _join(self, join: exp.Join, scope: Scope, reader: Reader) -> Texts:
        only(join, "this", "on", "side", "kind")
        side, kind, on = (join.args.get(key) for key in ("side", "kind", "on"))
        if side not in (None, "", "LEFT") or kind not in (None, "", "INNER", "OUTER", "CROSS"):
            raise Refused(f"{side or kind} JOIN is not in all databases", "turn it into a LEFT JOIN", at=join)
        if side == "LEFT" and on is None:
            raise Refused("a LEFT JOIN has a condition", "write ON …", at=join)
        source = self._source(join.this, scope, is_outer=side == "LEFT")
        if on is None:
            return write("CROSS JOIN {}", source)
        return write(f"{'LEFT ' if side else ''}JOIN {{}} ON {{}}", source, condition(reader, on).texts)

    def _source(self, node: exp.Expr, scope: Scope, *, is_outer: bool) -> Texts:
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias")
            if not node.alias:
                raise Refused("a query in FROM has a name", "write AS … behind it", at=node)
            rows = self.rows(node.this)
            scope.add(self._derived(rows, node.alias, node, is_outer=is_outer), node)
            return write("({}) AS {}", rows.texts, name(node.alias))
        alias = node.alias or node.name
        named = self._named.get(node.name.casefold()) if isinstance(node, exp.Table) else None
        if named is not None:
            columns = {
                key: replace(value, nullable=value.nullable or is_outer)
                for key, value in named.columns.items()
            }
            scope.add(Source(alias, columns, named.names, is_outer=is_outer), node)
            written = named.alias
        else:
            table = self.table(node)
            if table is self.changed:
                raise Refused("MySQL cannot read the table that it changes", at=node)
            scope.add(Source.of_table(table, alias, is_outer=is_outer), node)
            written = table.name
        return write("{} AS {}", name(written), name(alias)) if alias != written else name(written)

    def _where(self, query: exp.Select, scope: Scope, reader: Reader) -> list[Texts]:
        where = query.args.get("where")
        if where is None:
            return []
        texts = conjunction(reader, where.this, self.part)
        for part in conjuncts(where.this):
            if is_not_null(part) is not None:
                scope.not_null |= places_of(scope, is_not_null(part))
        return [write("WHERE {}", texts)]

    def _group(self, query: exp.Select, scope: Scope, reader: Reader) -> list[Texts]:
        group = query.args.get("group")
        clauses = [
            *query.expressions,
            *(query.args.get(key) for key in ("having", "order") if query.args.get(key)),
        ]
        if group is None and not any(_aggregates(clause) for clause in clauses):
            if query.args.get("having"):
                raise Refused("HAVING is for groups", "write WHERE", at=query.args["having"])
            return []
        places: set[tuple[str, str]] = set()
        parts = []
        if group is not None:
            only(group, "expressions")
            for node in group.expressions:
                if not isinstance(node, exp.Column):
                    raise Refused("groups are made by columns", "name the column", at=node)
                value = scope.column(node)
                if value.kind is Kind.JSON:
                    raise Refused("databases compare JSON differently", at=node)
                parts.append(value.texts)
                places |= places_of(scope, node)
        for source in scope.sources.values():
            key = source.table.key if source.table else ()
            if key and all((source.alias.casefold(), column.name.casefold()) in places for column in key):
                places |= {
                    (source.alias.casefold(), column) for column in source.columns
                }  # the key tells the row
        scope.group, scope.takes_aggregates, scope.is_grouped = places, True, group is not None
        return [write("GROUP BY {}", joined(", ", parts))] if parts else []

    def _outputs(
        self, query: exp.Select, scope: Scope, reader: Reader, into: Sequence[Column]
    ) -> list[Output]:
        outputs: list[Output] = []
        for index, node in enumerate(query.expressions):
            with self.part():
                if isinstance(node, exp.Star) or (
                    isinstance(node, exp.Column) and isinstance(node.this, exp.Star)
                ):
                    outputs += self._star(node, scope)
                else:
                    wanted = into[index].type if index < len(into) else None
                    outputs.append(output_of(node, scope, reader, wanted))
        if query.args.get("distinct"):
            only(query.args["distinct"])
            for output in outputs:
                if output.value.kind is Kind.JSON:
                    raise Refused("databases compare JSON differently", at=output.node)
        return outputs

    def _stored(
        self, query: exp.Select, outputs: Sequence[Output], into: Sequence[Column]
    ) -> Iterator[Texts]:
        if len(outputs) != len(into) and not self.mistakes:
            raise Refused(f"these are {len(outputs)} columns for {len(into)}", at=query)
        for output, column in zip(outputs, into, strict=False):
            with self.part():
                yield stored(output.value, column, output.node)

    def _star(self, node: exp.Expr, scope: Scope) -> Iterator[Output]:
        star = node.this if isinstance(node, exp.Column) else node
        only(star)
        sources: Iterable[Source] = scope.sources.values()
        if isinstance(node, exp.Column):
            if node.table.casefold() not in scope.sources:
                known = [source.alias for source in sources]
                raise Refused(
                    f"there is no table `{node.table}` in FROM", did_you_mean(node.table, known), at=node
                )
            sources = [scope.sources[node.table.casefold()]]
        for source in sources:
            for column in source.names:
                yield Output(column, scope.of_source(source, column, node), node, source)

    def _order(
        self,
        query: exp.Select,
        order: exp.Expr,
        scope: Scope,
        reader: Reader,
        outputs: Sequence[Output],
    ) -> Texts:
        only(order, "expressions")
        by_name = {output.name.casefold(): output for output in outputs if output.name is not None}
        parts = []
        for ordered in order.expressions:
            only(ordered, "this", "desc", "nulls_first")
            node = ordered.this
            if isinstance(node.unnest(), exp.Literal | exp.Neg) and not node.find(exp.Column):
                raise Refused("what is ordered by has a name", "name the column", at=node)
            named = (
                by_name.get(node.name.casefold()) if isinstance(node, exp.Column) and not node.table else None
            )
            if query.args.get("distinct") and named is None:
                raise Refused("SELECT DISTINCT is ordered by what it selects", at=node)
            if named is None:
                value = reader.read(node)
            elif named.value.column is None:
                value = replace(named.value, texts=name(named.name or ""), is_scaled=False, is_operand=True)
            else:
                value = named.value
            parts.append(ordered_by(value, ordered))
        return write("ORDER BY {}", joined(", ", parts))

    def _limit(self, query: exp.Select, reader: Reader) -> list[Texts]:
        parts = []
        for key in ("limit", "offset"):
            clause = query.args.get(key)
            if clause is None:
                continue
            only(clause, "expression")
            value = reader.read(clause.expression)
            if value.parameter is not None:
                value = self.parameters.bind(value, INTEGER, plain=True)
            if value.kind is not Kind.INTEGER or (value.parameter is None and value.constant is None):
                raise Refused(f"{key.upper()} is a number or a parameter", at=clause.expression)
            parts.append(write(f"{key.upper()} {{}}", value.texts))
        if query.args.get("offset") and not query.args.get("limit"):
            raise Refused(
                "MySQL has no OFFSET without a LIMIT", "say how many rows: LIMIT …", at=query.args["offset"]
            )
        return parts

    def _locked(self, query: exp.Select, scope: Scope, texts: Texts) -> Texts:
        for lock in query.args["locks"]:
            only(lock, "update")
            if not lock.args.get("update"):
                raise Refused("SQLite has no shared locks", "write FOR UPDATE", at=query)
        sources = list(scope.sources.values())
        if (
            len(sources) != 1
            or sources[0].table is None
            or scope.group is not None
            or query.args.get("distinct")
        ):
            raise Refused(
                "FOR UPDATE locks rows of one table, not of joins, groups or distinct values", at=query
            )
        return texts


_CLAUSES = (
    *("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct"),
    *("locks", "with_"),
)


def _aggregates(node: exp.Expr) -> bool:
    """Whether there is an aggregate in it that is not a subquery's."""
    return any(
        isinstance(part, exp.AggFunc)
        for part in node.walk(prune=lambda part: isinstance(part, exp.Subquery | exp.Select))
    )


def _is_one(limit: exp.Expr | None) -> bool:
    return limit is not None and isinstance(limit.expression, exp.Literal) and limit.expression.name == "1"
