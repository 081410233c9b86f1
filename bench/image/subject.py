"""What the images are made of: two services of a copy of this repository, packaged by Pants in every form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.package import Workspace, workspace

PYTHON = "3.11"
"""That of the base, Debian 12."""

_FORMS = {
    "deps": "include_sources=False, include_tools=True, layout='packed', execution_mode='venv'",
    "srcs": "include_requirements=False, include_tools=True, layout='packed', execution_mode='venv'",
    "packed": "layout='packed'",
}
"""PEX files of a service beside the one that Zero makes, which is a zipapp."""

_HELLO = {
    "hello.api": """\
type GreetResponse {
	Greeting string `json:"greeting"`
}

service Hello {
	@handler Greet
	get /api/hello returns (GreetResponse)
}
""",
    "logic.py": """\
from hello.hello_api import GreetResponse, HelloApi
from hello.hello_service import Context


class HelloLogic(HelloApi):
    def __init__(self, context: Context) -> None:
        self._user = context.user_rpc

    async def greet(self) -> GreetResponse:
        return GreetResponse(greeting="Hello from Zero")
""",
    "BUILD": """\
zero_api(name="http", source="hello.api")
python_sources(name="logic")
zero_service(name="hello", serves=":http", logic="logic.py:HelloLogic", clients=["services/user:rpc"])
""",
}
"""Another service that needs what `user-api` needs: an HTTP server, and a client of an RPC service."""


@dataclass(frozen=True)
class Service:
    """A service by its name, its folder below `services/` and its file of logic."""

    name: str
    package: str
    logic: str

    @property
    def main(self) -> str:
        """The module that starts it."""
        return f"{self.package}.{self.name.replace('-', '_')}_main"


FIRST = Service("user-api", "user", "api_logic.py")
SECOND = Service("hello", "hello", "logic.py")


@dataclass(frozen=True)
class Parts:
    """A service as Pants leaves it in `dist/`."""

    service: Service
    folder: Path

    @property
    def archive(self) -> Path:
        """Zero's image."""
        return self._zero / f"{self.service.name}.oci.tar"

    @property
    def configuration(self) -> Path:
        return self._zero / "etc"

    @property
    def zipapp(self) -> Path:
        return self._zero / f"{self.service.name}.pex"

    @property
    def packed(self) -> Path:
        """A PEX in the packed layout, a folder."""
        return self.folder / "packed.pex"

    @property
    def distributions(self) -> Path:
        """The same with third-party distributions only."""
        return self.folder / "deps.pex"

    @property
    def sources(self) -> Path:
        """The same with first-party sources only."""
        return self.folder / "srcs.pex"

    def is_written(self, path: Path) -> bool:
        """Whether a module, by its path below its source root, is one of the repository, and not generated."""
        repository = self.folder.parent.parent
        return any((repository / root / path).is_file() for root in ("services", "runtime"))

    @property
    def _zero(self) -> Path:
        return self.folder / self.service.name


class Subject:
    """Both services in a copy of the repository."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        hello = self._folder(SECOND)
        hello.mkdir()
        for name, content in _HELLO.items():
            (hello / name).write_text(content)
        for service in (FIRST, SECOND):
            with (self._folder(service) / "BUILD").open("a") as build:
                build.writelines(_pex(service, name, fields) for name, fields in _FORMS.items())

    def package(self, service: Service) -> Parts:
        """Both of what Zero makes and of what the others are made of; Pants' own time is nobody's here."""
        folder = f"services/{service.package}"
        targets = [f"{folder}:{name}" for name in (service.name, *_FORMS)]
        self._space.package(f"--python-interpreter-constraints=['CPython=={PYTHON}.*']", *targets)
        return Parts(service, self._space.repository / "dist" / f"services.{service.package}")

    def edit(self, service: Service, number: int) -> None:
        """One more line in the logic."""
        self._space.edit(f"services/{service.package}/{service.logic}", f"# {number}\n")

    def _folder(self, service: Service) -> Path:
        return self._space.repository / "services" / service.package


def _pex(service: Service, name: str, fields: str) -> str:
    needed = f"entry_point='{service.main}', dependencies=[':{service.name}']"
    return f"pex_binary(name='{name}', {needed}, {fields})\n"


@contextmanager
def subject() -> Iterator[Subject]:
    with workspace(own_caches=False) as space:
        yield Subject(space)
