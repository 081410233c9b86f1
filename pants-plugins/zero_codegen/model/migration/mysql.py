"""From one schema to another in MySQL and MariaDB.

What happens to a table is one ALTER TABLE as far as that is possible: these databases know no transaction
around several, so that is what takes effect as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from zero_codegen.model.migration.pieces import Pieces, altered, created, gone, in_order
from zero_codegen.model.migration.references import broken_references
from zero_codegen.model.sql.names import quoted_name

_OPTION = re.compile(
    r"((?:DEFAULT\s+)?CHARACTER\s+SET|(?:DEFAULT\s+)?\w+)\s*=?\s*('(?:[^'\\]|''|\\.)*'|\w+)",
    re.IGNORECASE | re.DOTALL,
)

_CHARSETS = ("CHARACTER SET", "CHARSET")


def steps(old: Mapping[str, Pieces], new: Mapping[str, Pieces]) -> Iterator[str]:
    """The statements that make the new tables of the old ones."""
    broken = broken_references(old, new, is_covered)
    for changed, names in broken.dropped.items():
        if changed in new:
            yield _alter(changed, [f"DROP FOREIGN KEY {_quoted(name)}" for name in names])
            # The index that the database had made for it stays when it goes.
            left = [name for name in names if not is_covered(old[changed], name)]
            if left:
                yield _alter(changed, [f"DROP INDEX {_quoted(name)}" for name in left])
    for dropped in reversed(in_order([table for name, table in old.items() if name not in new])):
        yield f"DROP TABLE {_quoted(dropped.name)}"
    for name, table in new.items():
        if name in old:
            yield from _changed(old[name], table)
    for added in in_order([table for name, table in new.items() if name not in old]):
        yield from created(added, "mysql")
    for changed, names in broken.added.items():
        if changed in old:
            references = new[changed].references
            yield _alter(changed, [f"ADD {references[name].clause}" for name in names])


def is_covered(table: Pieces, reference: str) -> bool:
    """Whether an index of the table does for a foreign key; without one the database makes one of its
    name."""
    columns = table.references[reference].columns
    return any(index[: len(columns)] == columns for index in table.covered.values())


def _changed(old: Pieces, new: Pieces) -> Iterator[str]:
    # A generated column cannot become another kind; what it holds is computed again.
    anew = {
        name
        for name in old.generated | new.generated
        if name in old.columns and name in new.columns and old.columns[name] != new.columns[name]
    }
    before, after = _options(old.options), _options(new.options)
    conversion = _conversion(before, after)
    if conversion:
        yield _alter(new.name, [conversion])
    actions = [f"DROP CONSTRAINT {_quoted(name)}" for name in gone(old.checks, new.checks)]
    dropped = [
        name
        for name, text in old.uniques.items()
        if new.uniques.get(name) != text or anew & set(old.covered[name])
    ]
    actions += [f"DROP INDEX {_quoted(name)}" for name in dropped]
    is_key_new = old.key != new.key
    if is_key_new:
        actions.append("DROP PRIMARY KEY")
    actions += [
        f"DROP COLUMN {_quoted(name)}" for name in old.columns if name not in new.columns or name in anew
    ]
    place = "FIRST"
    for name, definition in new.columns.items():
        if name not in old.columns or name in anew:
            actions.append(f"ADD COLUMN {_quoted(name)} {definition} {place}")
        elif old.columns[name] != definition or (conversion and name not in new.generated):
            # The conversion went over what is said of the column itself.
            actions.append(f"MODIFY COLUMN {_quoted(name)} {definition}")
        place = f"AFTER {_quoted(name)}"
    if is_key_new:
        actions.append(f"ADD {new.key}")
    actions += [
        f"ADD {text}" for name, text in new.uniques.items() if name in dropped or name not in old.uniques
    ]
    actions += [f"ADD {new.checks[name]}" for name in gone(new.checks, old.checks)]
    options = [f"{name}={value}" for name, value in after.items() if before.get(name) != value]
    if "COMMENT" in before and "COMMENT" not in after:
        options.append("COMMENT=''")
    if actions or options:
        yield _alter(new.name, [*actions, *([" ".join(options)] if options else [])])


def _options(text: str) -> dict[str, str]:
    """The options of a table by name. One that is said again unchanged could copy the table."""
    found = {}
    for name, value in _OPTION.findall(text):
        plain = " ".join(name.upper().split()).removeprefix("DEFAULT ")
        found["CHARSET" if plain in _CHARSETS else plain] = value
    return found


def _conversion(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Makes all texts of a table what its options say, not only those of columns to come."""
    charset, collation = after.get("CHARSET"), after.get("COLLATE")
    if (before.get("CHARSET"), before.get("COLLATE")) == (charset, collation):
        return ""
    # Where nothing is said the database decides.
    charset = charset or (collation or "DEFAULT").partition("_")[0]
    return f"CONVERT TO CHARACTER SET {charset}" + (f" COLLATE {collation}" if collation else "")


def _alter(table: str, actions: list[str]) -> str:
    return altered(_quoted(table), actions)


def _quoted(name: str) -> str:
    return quoted_name(name, "mysql")
