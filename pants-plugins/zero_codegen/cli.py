"""The command line: `python -m zero_codegen KIND ...`.

    api|rpc|model generate --out OUT FILES        modules from contracts
    model migrate --migrations FOLDER FILES       the migration from contracts as they were
    api format [--check] FILES                    the layout of goctl
    api lint FILES                                what is wrong, and nothing written
    api format|lint --stdin PATH                  the same of text that an editor has not saved
    service|configuration|manifests --spec SPEC   what belongs to a service
    stack --stack STACK --spec SPEC...            what services need around them

A kind is imported when it is asked for and not before: one process serves one folder of contracts, so the time of its
start counts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from zero_codegen.diagnostics import ContractError, Diagnostic, in_order
from zero_codegen.source import (
    ContractFile,
    Output,
    decode,
    from_here,
    read_bytes,
    read_contract,
    read_contracts,
)

CONTRACT_KINDS = ("api", "rpc", "model")

if TYPE_CHECKING:
    from zero_codegen.model.settings import Settings

    _Actions: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

_Run: TypeAlias = Callable[[argparse.Namespace], int]
"""What a command does; it returns the exit status."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status: 1 when something is wrong, or not formatted under `--check`."""
    options = _parser().parse_args(arguments)
    run: _Run = options.run
    return run(options)


def _generate(options: argparse.Namespace) -> int:
    """`zero_codegen.<api|rpc|model>.generate(files, out)`: it writes every good result and returns what is wrong."""
    files, diagnostics = read_contracts(options.files, options.source_root)
    kind, out = import_module(f"zero_codegen.{options.kind}"), Output(options.out)
    if options.kind == "api":
        found = kind.generate(files, out, frozenset(options.imported))
    elif options.kind == "model":
        found = kind.generate(files, out, _settings(options.settings))
    else:
        found = kind.generate(files, out)
    return _tell([*diagnostics, *found], options.diagnostics)


def _migrate(options: argparse.Namespace) -> int:
    """In `zero_codegen.model.migration`: the contracts as they were, and what has changed since."""
    migration = import_module("zero_codegen.model.migration")
    files, diagnostics = read_contracts(options.files, options.source_root)
    before, more = migration.read_before(options.before, options.against)
    diagnostics = [*diagnostics, *more]
    if not diagnostics:
        settings_before = _settings(options.settings_before)
        diagnostics = migration.migrate(
            before,
            files,
            settings_before={f"{options.against}:{path}": each for path, each in settings_before.items()},
            settings=_settings(options.settings),
            folder=options.migrations,
            message=options.message,
            out=Output(options.out),
        )
    return _tell(diagnostics, options.diagnostics)


def _settings(file: Path | None) -> Mapping[str, Settings]:
    """What targets set, by the paths of their contracts."""
    if file is None:
        return {}
    settings: Mapping[str, Settings] = import_module("zero_codegen.model.settings").read_settings(file)
    return settings


def _lint(options: argparse.Namespace) -> int:
    """`zero_codegen.api.check(files)` returns what is wrong. Editors give absolute paths."""
    files, diagnostics = read_contracts(
        list(map(from_here, options.files)), list(map(from_here, options.source_root))
    )
    return _tell([*diagnostics, *_found(files, options)])


def _lint_stdin(options: argparse.Namespace) -> int:
    """What is wrong with text that is not saved yet; what it imports is read."""
    roots, content = list(map(from_here, options.source_root)), sys.stdin.buffer.read()
    try:
        file = read_contract(from_here(options.stdin), roots, content)
    except ContractError as error:
        return _tell(error.diagnostics)
    return _tell(_found([file], options))


def _found(files: Sequence[ContractFile], options: argparse.Namespace) -> Sequence[Diagnostic]:
    found: Sequence[Diagnostic] = import_module("zero_codegen.api").check(
        files, frozenset(map(from_here, options.imported))
    )
    return found


def _format(options: argparse.Namespace) -> int:
    """Rewrite files in place. One that does not parse, or is in the wanted layout, is not touched."""
    layout = import_module("zero_codegen.api.format")
    diagnostics: list[Diagnostic] = []
    changed = False
    for path in options.files:
        try:
            content = read_bytes(path)
            formatted = layout.formatted(path, decode(path, content)).encode()
        except ContractError as error:
            diagnostics += error.diagnostics
            continue
        if formatted == content:
            continue
        changed = True
        if options.check:
            print(f"{path}: would be formatted", file=sys.stderr)
        else:
            Path(path).write_bytes(formatted)
    return _tell(diagnostics, options.diagnostics) or int(changed and options.check)


def _format_stdin(options: argparse.Namespace) -> int:
    """From standard input to standard output, for editors; nothing comes out when the text does not parse."""
    layout = import_module("zero_codegen.api.format")
    content = sys.stdin.buffer.read()
    try:
        formatted = layout.formatted(options.stdin, decode(options.stdin, content)).encode()
    except ContractError as error:
        return _tell(error.diagnostics, options.diagnostics)
    if options.check:
        return int(formatted != content)
    sys.stdout.buffer.write(formatted)
    return 0


def _service(options: argparse.Namespace) -> int:
    """In `zero_codegen.service`: `generate(spec, out)`, `configure(spec, out)`, `manifests(spec, image, out)`."""
    service = import_module("zero_codegen.service")
    out = Output(options.out)
    if options.kind == "service":
        found = service.generate(options.spec, out)
    elif options.kind == "configuration":
        found = service.configure(options.spec, out)
    else:
        found = service.manifests(options.spec, options.image, out)
    return _tell(found, options.diagnostics)


def _stack(options: argparse.Namespace) -> int:
    """In `zero_codegen.stack`: `generate(stack, specs, out)`."""
    found = import_module("zero_codegen.stack").generate(options.stack, options.specs, Output(options.out))
    return _tell(found, options.diagnostics)


def _tell(diagnostics: Iterable[Diagnostic], file: Path | None = None) -> int:
    """What is wrong, to people on standard error or as JSON to the file that takes the news; the exit status."""
    diagnostics = in_order(diagnostics)
    if file:
        members = [diagnostic.as_json() for diagnostic in diagnostics]
        file.write_text(json.dumps(members, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return 0
    for diagnostic in diagnostics:
        print(diagnostic.render(), file=sys.stderr)
    return int(bool(diagnostics))


# -----------------------------------------------------------------------------------------------
# Arguments
# -----------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zero_codegen", description="Generate Python from contracts.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind in CONTRACT_KINDS:
        command = kinds.add_parser(kind, help=f"work on {kind} contracts")
        actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
        _add_generate(actions, kind)
        if kind == "api":
            _add_lint(actions)
            _add_format(actions)
        if kind == "model":
            _add_migrate(actions)
    for kind, what in (
        ("service", "a service's wiring"),
        ("configuration", "the configuration a service is deployed with"),
        ("manifests", "a service's manifests"),
    ):
        command = kinds.add_parser(kind, help=f"generate {what}")
        command.set_defaults(run=_service)
        _add_out(command)
        _add_diagnostics(command)
        command.add_argument("--spec", type=Path, required=True, metavar="FILE", help="the service as JSON")
        if kind == "manifests":
            command.add_argument(
                "--image", type=Path, required=True, metavar="FILE", help="its image as JSON"
            )
    _add_stack(kinds)
    return parser


def _add_generate(actions: _Actions, kind: str) -> None:
    command = actions.add_parser("generate", help="generate modules")
    command.set_defaults(run=_generate)
    _add_out(command)
    _add_diagnostics(command)
    _add_source_roots(command)
    if kind == "api":
        _add_imported(command)
    if kind == "model":
        _add_settings(command, "--settings", "what targets set")
    command.add_argument("files", nargs="+", metavar="FILE")


def _add_migrate(actions: _Actions) -> None:
    command = actions.add_parser("migrate", help="write the migration between contracts as they were and are")
    command.set_defaults(run=_migrate)
    _add_out(command)
    _add_diagnostics(command)
    _add_source_roots(command)
    _add_settings(command, "--settings", "what targets set")
    _add_settings(command, "--settings-before", "what targets did set")
    command.add_argument(
        "--before",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="the contracts as they were; may be missing",
    )
    command.add_argument(
        "--against", default="before", metavar="REV", help="what the earlier revision is called"
    )
    command.add_argument(
        "--migrations", required=True, metavar="FOLDER", help="folder of the migrations that there are"
    )
    command.add_argument(
        "--message", metavar="TEXT", help="what the migration is called; made of the changes if left out"
    )
    command.add_argument("files", nargs="*", metavar="FILE")


def _add_stack(kinds: _Actions) -> None:
    command = kinds.add_parser("stack", help="generate what services need around them")
    command.set_defaults(run=_stack)
    _add_out(command)
    _add_diagnostics(command)
    command.add_argument("--stack", type=Path, required=True, metavar="FILE", help="the stack as JSON")
    command.add_argument(
        "--spec",
        type=Path,
        dest="specs",
        action="append",
        default=[],
        metavar="FILE",
        help="a service as JSON; may be given several times",
    )


def _add_settings(command: argparse.ArgumentParser, option: str, what: str) -> None:
    command.add_argument(option, type=Path, metavar="FILE", help=f"{what}, as JSON by the paths of contracts")


def _add_lint(actions: _Actions) -> None:
    command = actions.add_parser("lint", help="tell what is wrong")
    _add_source_roots(command)
    _add_imported(command)
    _add_files_or_stdin(command, "lint standard input in place of what is in PATH", _lint, _lint_stdin)


def _add_format(actions: _Actions) -> None:
    command = actions.add_parser("format", help="bring files into goctl's layout")
    command.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if a file would change"
    )
    _add_diagnostics(command)
    what = "format standard input to standard output; PATH is its name in messages"
    _add_files_or_stdin(command, what, _format, _format_stdin)


def _add_files_or_stdin(command: argparse.ArgumentParser, what: str, files: _Run, stdin: _Run) -> None:
    command.add_argument("--stdin", metavar="PATH", help=what)
    command.add_argument("files", nargs="*", metavar="FILE")

    def run(options: argparse.Namespace) -> int:
        if bool(options.files) == bool(options.stdin):
            command.error("give files, or --stdin")
        return stdin(options) if options.stdin else files(options)

    command.set_defaults(run=run)


def _add_source_roots(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--source-root",
        action="append",
        default=[],
        metavar="FOLDER",
        help="prefix left out of module names",
    )


def _add_imported(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--imported",
        action="append",
        default=[],
        metavar="FILE",
        help="one of the files that others import: it may be a part of these, and use their types",
    )


def _add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, required=True, help="folder for the generated files")


def _add_diagnostics(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--diagnostics", type=Path, metavar="FILE", help="write what is wrong to FILE as JSON and exit with 0"
    )
