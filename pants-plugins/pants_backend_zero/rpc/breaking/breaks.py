"""What breaks those who call a contract, told with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping

from pants_backend_zero.rpc.buf.modules import Module
from pants_backend_zero.rpc.buf.tool import Annotation
from pants_backend_zero.rpc.statements import Statement, package_of, statements

NOW = "now"
BEFORE = "before"
"""The folders of the contracts as they are and as they were, for buf."""

MESSAGE_GONE = "PACKAGE_MESSAGE_NO_DELETE"
"""The rule that tells of every message that is gone. Beside `WIRE` it counts only for those whose contract is gone as
a whole: a message that a contract itself has no more use for may go."""

DELETIONS = ("RPC_NO_DELETE", "PACKAGE_NO_DELETE", "PACKAGE_SERVICE_NO_DELETE", MESSAGE_GONE)
"""What `WIRE` and `WIRE_JSON`, which look into messages, leave out: what callers count on and is not there any more."""

_DELETED = re.compile(
    r'Previously present (?P<what>\w+) "(?P<name>[^"]*)" was deleted(?: from package "(?P<package>[^"]*)")?'
)


@dataclass(frozen=True)
class Comparison:
    """Contracts as they are, and as they were in a revision.

    `texts` are those of the contracts as they were, by the paths that imports name. `lenient`: messages may go, unless
    their contract does.
    """

    revision: str
    module: Module[str]
    texts: Mapping[str, str]
    lenient: bool

    def breaks(self, annotations: Iterable[Annotation]) -> Iterator[str]:
        """buf's annotations, each with its place in the repository or, of what is gone, in the revision."""
        for annotation in annotations:
            deleted = _DELETED.match(annotation.message)
            if deleted is None:
                yield f"{self._place(annotation)}: {annotation.told}"
                continue
            declared = self._declarations(**deleted.groupdict())
            nested = "." in deleted["name"]
            stays = any(name in self.module.now for name, _ in declared)
            if self.lenient and annotation.rule == MESSAGE_GONE and (nested or stays):
                continue
            # The file that buf names, which should have it now, comes first.
            declared.sort(key=lambda found: annotation.path != f"{NOW}/{found[0]}")
            if declared:
                name, statement = declared[0]
                yield f"{self._before(name)}:{statement.line}:{statement.column}: {annotation.told}"
            else:
                yield f"{self.revision}: {annotation.told}"

    def _place(self, annotation: Annotation) -> str:
        side, _, name = (annotation.path or "").partition("/")
        files = {NOW: self.module.now.get(name), BEFORE: self._before(name)}
        return f"{files.get(side) or self.revision}:{annotation.line}:{annotation.column}"

    def _before(self, name: str) -> str:
        """A path as git writes that of another revision."""
        return f"{self.revision}:{self.module.before.get(name, name)}"

    def _declarations(self, what: str, name: str, package: str | None) -> list[tuple[str, Statement]]:
        """Where something that is gone was declared: the paths that imports name, and the statements."""
        found = []
        for path, text in sorted(self.texts.items()):
            if what == "file":
                found += [(path, Statement(what, name, 1, 1))] if name == path else []
            elif package is None or package == package_of(text):
                wanted = name if what == "package" else name.partition(".")[0]
                found += [
                    (path, each) for each in statements(text) if (each.keyword, each.name) == (what, wanted)
                ]
        return found
