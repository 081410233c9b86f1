"""The command line: `python -m zero_codegen api|rpc|model|service|configuration|manifests`.

A kind is imported when it is asked for and not before: one process serves one folder of contracts, so the
time of its start counts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from zero_codegen.diagnostics import Diagnostic, in_order
from zero_codegen.source import Output, read_contracts

CONTRACT_KINDS = ("api", "rpc", "model")


def main(arguments: Sequence[str]) -> int:
    """Generate and return the exit status.

    It is 1 when a contract is bad, unless a `--diagnostics` file takes the news.
    """
    options = _parser().parse_args(arguments)
    diagnostics = in_order(_generate(options))
    if options.diagnostics:
        members = [diagnostic.as_json() for diagnostic in diagnostics]
        options.diagnostics.write_text(
            json.dumps(members, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        return 0
    for diagnostic in diagnostics:
        print(diagnostic.render(), file=sys.stderr)
    return 1 if diagnostics else 0


def _generate(options: argparse.Namespace) -> Sequence[Diagnostic]:
    """Call the kind's generator.

    `zero_codegen.<api|rpc|model>.generate(files, out)` and, in `zero_codegen.service`, `generate(spec, out)`,
    `configure(spec, out)` and `manifests(spec, image, out)` write every good result to `out` and return a
    diagnostic for every mistake.
    """
    out = Output(options.out)
    found: Sequence[Diagnostic]
    if options.kind in CONTRACT_KINDS:
        files, diagnostics = read_contracts(options.files, options.source_root)
        found = import_module(f"zero_codegen.{options.kind}").generate(files, out)
        return [*diagnostics, *found]
    service = import_module("zero_codegen.service")
    if options.kind == "service":
        found = service.generate(options.spec, out)
    elif options.kind == "configuration":
        found = service.configure(options.spec, out)
    else:
        found = service.manifests(options.spec, options.image, out)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zero_codegen", description="Generate Python from contracts.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--out", type=Path, required=True, help="folder for the generated files")
    common.add_argument(
        "--diagnostics", type=Path, metavar="FILE", help="write what is wrong to FILE as JSON and exit with 0"
    )
    for kind in CONTRACT_KINDS:
        command = kinds.add_parser(kind, parents=[common], help=f"generate from {kind} contracts")
        command.add_argument(
            "--source-root",
            action="append",
            default=[],
            metavar="FOLDER",
            help="prefix left out of module names",
        )
        command.add_argument("files", nargs="+", metavar="FILE")
    service = kinds.add_parser("service", parents=[common], help="generate a service's wiring")
    configuration = kinds.add_parser(
        "configuration", parents=[common], help="generate the configuration a service is deployed with"
    )
    manifests = kinds.add_parser("manifests", parents=[common], help="generate a service's manifests")
    for command in (service, configuration, manifests):
        command.add_argument("--spec", type=Path, required=True, metavar="FILE", help="the service as JSON")
    manifests.add_argument("--image", type=Path, required=True, metavar="FILE", help="its image as JSON")
    return parser
