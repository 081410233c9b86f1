"""Pieces of SQL, each written for every database."""

from __future__ import annotations

from dataclasses import dataclass

from zero_codegen.model.settings import Dialect


@dataclass(frozen=True, slots=True)
class Texts:
    """What means the same in the words of each database; ``texts["mysql"]`` is one of them."""

    sqlite: str
    mysql: str
    postgresql: str

    def __getitem__(self, dialect: Dialect) -> str:
        return str(getattr(self, dialect))


def same(text: str) -> Texts:
    """What all write alike."""
    return Texts(text, text, text)


def write(
    template: str,
    *parts: Texts,
    sqlite: str | None = None,
    mysql: str | None = None,
    postgresql: str | None = None,
) -> Texts:
    """Parts put into a template, as `str.format` does; a database may have a template of its own."""
    return Texts(
        (template if sqlite is None else sqlite).format(*(part.sqlite for part in parts)),
        (template if mysql is None else mysql).format(*(part.mysql for part in parts)),
        (template if postgresql is None else postgresql).format(*(part.postgresql for part in parts)),
    )


def joined(separator: str, parts: list[Texts]) -> Texts:
    """Parts with a separator between them."""
    return Texts(
        separator.join(part.sqlite for part in parts),
        separator.join(part.mysql for part in parts),
        separator.join(part.postgresql for part in parts),
    )


def name(identifier: str) -> Texts:
    """The name of a table, a column or an alias, in quotes: it is never a reserved word then."""
    standard = '"' + identifier.replace('"', '""') + '"'
    return Texts(standard, "`" + identifier.replace("`", "``") + "`", standard)


def literal(text: str) -> Texts:
    """A text. In MySQL a backslash begins an escape."""
    standard = "'" + text.replace("'", "''") + "'"
    return Texts(standard, standard.replace("\\", "\\\\"), standard)
