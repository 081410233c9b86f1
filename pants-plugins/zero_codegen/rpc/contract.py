"""What a proto's services are, read from its descriptors and checked for what can be served."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
    SourceCodeInfo,
)

from zero_codegen import naming
from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.rpc.places import character_column
from zero_codegen.source import ContractFile

# Field numbers of descriptor.proto: what the paths of SourceCodeInfo are made of.
_SERVICE = FileDescriptorProto.SERVICE_FIELD_NUMBER
_METHOD = ServiceDescriptorProto.METHOD_FIELD_NUMBER
_NAME = ServiceDescriptorProto.NAME_FIELD_NUMBER
_INPUT = MethodDescriptorProto.INPUT_TYPE_FIELD_NUMBER
_OUTPUT = MethodDescriptorProto.OUTPUT_TYPE_FIELD_NUMBER
_CLIENT_STREAMING = MethodDescriptorProto.CLIENT_STREAMING_FIELD_NUMBER
_SERVER_STREAMING = MethodDescriptorProto.SERVER_STREAMING_FIELD_NUMBER


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message as Python reaches it: `name` (dotted when nested) in `module`."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """One call. `python_name` is its name in generated classes, `path` what goes over the wire."""

    name: str
    python_name: str
    path: str
    request: MessageType
    response: MessageType
    comment: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service and the names generated for it. `line` and `column` are where it is declared."""

    name: str
    full_name: str
    methods: tuple[Method, ...]
    comment: str
    line: int
    column: int

    @property
    def rpc_class(self) -> str:
        return f"{naming.pascal(self.name)}Rpc"

    @property
    def client_class(self) -> str:
        return f"{naming.pascal(self.name)}Client"

    @property
    def function(self) -> str:
        return f"{naming.snake(self.name)}_service"


@dataclass(frozen=True, slots=True)
class Contract:
    """The services of one proto, in its order; a proto of messages has none. `module` has its messages."""

    name: str
    module: str
    services: tuple[Service, ...]


def read(file: ContractFile, descriptors: FileDescriptorSet) -> Contract:
    """The services of a proto. Raises ContractError with every part that cannot be served."""
    return _Reader(file, descriptors).contract()


class _Reader:
    def __init__(self, file: ContractFile, descriptors: FileDescriptorSet) -> None:
        self._file = file
        self._proto = next(proto for proto in descriptors.file if proto.name == file.name)
        self._locations = {
            tuple(location.path): location for location in self._proto.source_code_info.location
        }
        self._messages = dict(_messages(descriptors.file))
        self._diagnostics: list[Diagnostic] = []

    def contract(self) -> Contract:
        if "." in self._file.name.removesuffix(".proto"):
            hint = f"rename it to `{self._file.stem}.proto`"
            message = "protoc makes no importable module of a file with a dot in its name"
            raise ContractError([self._file.diagnostic(1, 1, message, hint=hint)])
        services = tuple(self._service(index, service) for index, service in enumerate(self._proto.service))
        self._check_distinct(services)
        if self._diagnostics:
            raise ContractError(self._diagnostics)
        return Contract(self._file.name, self._file.module("_pb2"), services)

    def _service(self, index: int, service: ServiceDescriptorProto) -> Service:
        path = (_SERVICE, index)
        if not service.method:
            self._refuse((*path, _NAME), f"service `{service.name}` has no methods")
        full_name = f"{self._proto.package}.{service.name}".removeprefix(".")
        methods = []
        seen: dict[str, str] = {}
        for number, method in enumerate(service.method):
            methods.append(self._method((*path, _METHOD, number), full_name, method))
            twin = seen.setdefault(methods[-1].python_name, method.name)
            if twin != method.name:
                both = f"methods `{twin}` and `{method.name}`"
                message = f"{both} have the same Python name `{methods[-1].python_name}`"
                self._refuse((*path, _METHOD, number, _NAME), message)
        line, column, _ = self._place((*path, _NAME))
        return Service(service.name, full_name, tuple(methods), self._comment(path), line, column)

    def _method(self, path: tuple[int, ...], service: str, method: MethodDescriptorProto) -> Method:
        for field in (_CLIENT_STREAMING, _SERVER_STREAMING):
            if (*path, field) in self._locations:
                message = f"streaming is not supported yet: method `{method.name}`"
                self._refuse((*path, field), message, hint="make it a unary method")
        return Method(
            name=method.name,
            python_name=naming.identifier(method.name),
            path=f"/{service}/{method.name}",
            request=self._message((*path, _INPUT), method.input_type),
            response=self._message((*path, _OUTPUT), method.output_type),
            comment=self._comment(path),
        )

    def _message(self, path: tuple[int, ...], full_name: str) -> MessageType:
        message = self._messages[full_name]
        if reserved := next(filter(keyword.iskeyword, message.name.split(".")), None):
            self._refuse(path, f"message `{reserved}` cannot be imported: its name is a Python keyword")
        return message

    def _check_distinct(self, services: Iterable[Service]) -> None:
        seen: dict[str, Service] = {}
        for index, service in enumerate(services):
            for name in (service.rpc_class, service.client_class, service.function):
                twin = seen.setdefault(name, service)
                if twin is not service:
                    message = (
                        f"services `{twin.name}` and `{service.name}` have the same Python name `{name}`"
                    )
                    self._refuse((_SERVICE, index, _NAME), message)
                    break

    def _refuse(self, path: tuple[int, ...], message: str, *, hint: str | None = None) -> None:
        line, column, length = self._place(path)
        self._diagnostics.append(self._file.diagnostic(line, column, message, hint=hint, length=length))

    def _place(self, path: tuple[int, ...]) -> tuple[int, int, int]:
        """Line, column and length (from 1, in characters) of a part of the proto."""
        line, start, *end = self._locations[
            path
        ].span  # [line, column, end column] or with an end line before that
        text = self._file.lines[line]
        first = character_column(text, start)
        last = character_column(text, end[0]) if len(end) == 1 else len(text)
        return line + 1, first + 1, max(1, last - first)

    def _comment(self, path: tuple[int, ...]) -> str:
        location = self._locations.get(path, SourceCodeInfo.Location())
        comment = location.leading_comments or location.trailing_comments
        return "\n".join(re.sub(r"^ ", "", line).rstrip() for line in comment.splitlines()).strip()


def _messages(protos: Iterable[FileDescriptorProto]) -> Iterator[tuple[str, MessageType]]:
    """Every message by the name that descriptors call it (`.package.Outer.Inner`)."""
    for proto in protos:
        module = proto.name.removesuffix(".proto").replace("-", "_").replace("/", ".") + "_pb2"
        prefix = f".{proto.package}" if proto.package else ""
        for name in _names(proto.message_type):
            yield f"{prefix}.{name}", MessageType(module, name)


def _names(messages: Iterable[DescriptorProto], outer: str = "") -> Iterator[str]:
    for message in messages:
        yield outer + message.name
        yield from _names(message.nested_type, f"{outer}{message.name}.")
