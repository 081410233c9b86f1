"""A program: a file and all that it imports, each file once."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.golang import OVERRIDABLE, SCALARS
from zero_codegen.api.parser import parse_what_can_be
from zero_codegen.api.problem import Problem, file_of
from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.source import ContractFile, read_contract

_DEFAULT_SYNTAX = "v1"
"""The version of a file whose first statement is no `syntax`."""

_SIGNS_OF_IMPORT = ("import", "api")
"""Words of what could not be read which tell that it may have imported a file."""

_MAX_DEPTH = 60
"""Imports within imports; reading them recurses as deep."""


@dataclass(frozen=True, eq=False)
class Unit:
    """One file of a program, and the files it imports."""

    file: ContractFile
    tree: tree.File
    imports: tuple[Unit, ...] = ()

    @property
    def syntax(self) -> str:
        """The version of the language that it is written in."""
        first = next(iter(self.tree.statements), None)
        return tree.unquoted(first.version) if isinstance(first, tree.Syntax) else _DEFAULT_SYNTAX

    @cached_property
    def closure(self) -> frozenset[Unit]:
        """The file and all that it imports, directly or not."""
        return frozenset({self}).union(*(unit.closure for unit in self.imports))

    @cached_property
    def is_whole(self) -> bool:
        """Whether it declares, or imports, all the types it names; what it imports does so too."""
        known = {str(each.name) for unit in self.closure for each in unit.tree.declarations}
        known |= SCALARS.keys() | OVERRIDABLE.keys() | {"any"}
        return all(name in known for name in self._names()) and all(unit.is_whole for unit in self.imports)

    def _names(self) -> Iterator[Token]:
        for declaration in self.tree.declarations:
            yield from tree.names_in(declaration.type)
        for route in (route for service in self.tree.services for route in service.routes):
            for body in (route.request, route.response):
                if body and body.type:
                    yield from tree.names_in(body.type)


@dataclass(frozen=True)
class Program:
    """A file and what it imports, `units` with that file first, and what is wrong with how they are written.

    `diagnostics` tell of imported files that could not be read; the program is not complete then, nor where an
    import itself could not be. `lost` has the words of lines and statements that could not be read: what they declare
    is not known, and not missing either.
    """

    units: tuple[Unit, ...]
    problems: tuple[Problem, ...]
    diagnostics: tuple[Diagnostic, ...]
    lost: frozenset[str]
    is_complete: bool

    @property
    def root(self) -> Unit:
        return self.units[0]

    @property
    def imported_first(self) -> Iterable[Unit]:
        """The files in another order: of what two of them declare, that of the importer is one too many."""
        return reversed(self.units)

    @property
    def is_sound(self) -> bool:
        """Whether all its files could be read."""
        return not self.problems and not self.diagnostics

    @property
    def without_content(self) -> Program:
        """The program of a file that is part of others, as its own module sees it: nothing is declared there."""
        nothing = tree.File((), (), tree.Comments({}, {}))
        return replace(self, units=(Unit(self.root.file, nothing),))

    def unit(self, at: Token) -> Unit:
        """The file that a piece of source text is in."""
        return self._by_file[id(file_of(at))]

    def may_declare(self, name: str) -> bool:
        """Whether what could not be read may well declare a type of that name."""
        return name in self.lost or not self.is_complete

    @cached_property
    def _by_file(self) -> Mapping[int, Unit]:
        return {id(unit.file): unit for unit in self.units}


def read_program(file: ContractFile) -> Program:
    """Read a file and everything it imports."""
    reader = _Reader()
    root = reader.read(file)
    others = tuple(unit for unit in reader.units if unit is not root)
    units, lost = (root, *others), frozenset(reader.lost)
    return Program(units, tuple(reader.problems), tuple(reader.diagnostics), lost, reader.is_complete)


class _Reader:
    """Follows imports, depth first and in their order."""

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.problems: list[Problem] = []
        self.diagnostics: list[Diagnostic] = []
        self.lost: set[str] = set()
        self.is_complete = True
        self._chain: list[ContractFile] = []
        self._by_path: dict[str, Unit | None] = {}
        self._by_content: dict[tuple[str, tuple[Unit, ...]], Unit] = {}

    def read(self, file: ContractFile) -> Unit:
        """The unit of a file; of one that is there already under another path (a link, or a copy of one), that."""
        place = len(self.units)
        self._chain.append(file)
        parsed = parse_what_can_be(file)
        places = {unit: at for at, unit in self._imports(parsed.tree)}
        imports = tuple(places)
        self._chain.pop()
        content = (file.text, imports)
        if content not in self._by_content:
            unit = self._by_content[content] = Unit(file, parsed.tree, imports)
            self.units.insert(place, unit)
            self.problems += [*parsed.problems, *_other_syntax(unit, places)]
            self.lost |= parsed.lost
            self.is_complete &= parsed.lost.isdisjoint(_SIGNS_OF_IMPORT)
        return self._by_content[content]

    def _imports(self, parsed: tree.File) -> Iterator[tuple[Token, Unit]]:
        first: dict[str, Token] = {}
        for at in (path for statement in parsed.imports for path in statement.paths):
            importer = file_of(at)
            path = posixpath.normpath(posixpath.join(posixpath.dirname(importer.path), tree.unquoted(at)))
            if first.setdefault(path, at) is not at:
                message = f"`{path}` is imported twice, first in line {first[path].line}"
                self.problems.append(Problem(at, message))
            elif unit := self._imported(at, path):
                yield at, unit

    def _imported(self, at: Token, path: str) -> Unit | None:
        if self._closes_circle(at, [path == other.path for other in self._chain]):
            return None
        if path in self._by_path:
            return self._by_path[path]
        self._by_path[path] = None
        try:
            file = self._found(at, path)
        except ContractError as error:
            self.diagnostics += error.diagnostics
            file = None
        if file is None:
            self.is_complete = False
        elif not self._closes_circle(at, [file.text == other.text for other in self._chain]):
            self._by_path[path] = self.read(file)
        return self._by_path[path]

    def _closes_circle(self, at: Token, same: list[bool]) -> bool:
        """Whether an import is of a file that is being read: `same` says which."""
        if True not in same:
            return False
        paths = [file.path for file in self._chain[same.index(True) :]]
        message = f"files import each other: {' -> '.join([*paths, paths[0]])}"
        self.problems.append(Problem(at, message, "move what they share to a file of its own"))
        return True

    def _found(self, at: Token, path: str) -> ContractFile | None:
        importer = file_of(at)
        if len(self._chain) == _MAX_DEPTH:
            self.problems.append(
                Problem(at, f"imports are nested too deeply: more than {_MAX_DEPTH} of them")
            )
        elif not tree.unquoted(at).strip():
            self.problems.append(Problem(at, "an import has the path of a file"))
        elif posixpath.isabs(path) and not posixpath.isabs(importer.path):
            hint = "write the path from the folder of this file"
            self.problems.append(Problem(at, "an import is relative to its file", hint))
        elif not Path(path).is_file():
            self.problems.append(Problem(at, f"`{path}` does not exist", _nearest(path, importer)))
        else:
            return read_contract(path, importer.import_roots)
        return None


def _other_syntax(unit: Unit, imports: Mapping[Unit, Token]) -> Iterator[Problem]:
    """Imports of files in another version of the language."""
    for other, at in imports.items():
        if other.syntax != unit.syntax:
            message = f"`{other.file.path}` is written in syntax {other.syntax}, this file in {unit.syntax}"
            yield Problem(at, message, "files that import each other say the same `syntax`")


def _nearest(path: str, importer: ContractFile) -> str:
    """A hint at the file that may be meant."""
    folder = posixpath.dirname(importer.path) or "."
    places = {posixpath.dirname(path) or ".", folder}
    files = {posixpath.relpath(each, folder) for place in places for each in _contracts_at(place)}
    found = sorted(files - {posixpath.basename(importer.path)})
    wanted = posixpath.relpath(path, folder)
    names = (posixpath.basename(wanted), f"{posixpath.basename(wanted)}.api")
    by_name = [each for each in found if posixpath.basename(each) in names]
    if close := by_name or difflib.get_close_matches(wanted, found, n=1):
        return f'did you mean "{close[0]}"?'
    return "if the file is there, no `zero_api` target has it: run `./pants tailor ::`"


def _contracts_at(place: str) -> list[str]:
    """The contracts in a folder and in those right below it."""
    try:
        return [each.as_posix() for pattern in ("*.api", "*/*.api") for each in Path(place).glob(pattern)]
    except OSError:  # a folder that went while it was looked at
        return []
