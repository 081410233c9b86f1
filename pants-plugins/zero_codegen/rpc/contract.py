"""What a proto's services are, read from its descriptors and checked for what can be served."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
    SourceCodeInfo,
)

from zero_codegen import naming
from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.rpc import names
from zero_codegen.rpc.places import character_column
from zero_codegen.source import ContractFile

# Field numbers of descriptor.proto: what the paths of SourceCodeInfo are made of.
_IMPORT = FileDescriptorProto.DEPENDENCY_FIELD_NUMBER
_MESSAGE = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
_ENUM = FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER
_EXTENSION = FileDescriptorProto.EXTENSION_FIELD_NUMBER
_VALUE = EnumDescriptorProto.VALUE_FIELD_NUMBER
_SERVICE = FileDescriptorProto.SERVICE_FIELD_NUMBER
_METHOD = ServiceDescriptorProto.METHOD_FIELD_NUMBER
_NAME = ServiceDescriptorProto.NAME_FIELD_NUMBER  # the same for whatever has a name
_INPUT = MethodDescriptorProto.INPUT_TYPE_FIELD_NUMBER
_OUTPUT = MethodDescriptorProto.OUTPUT_TYPE_FIELD_NUMBER


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message as Python reaches it: `name` (dotted when nested) in `module`."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """One call. `python_name` is its name in generated classes, `path` what goes over the wire.

    `line` and `column` are where it is declared. `idempotent` tells that a call may be made again when it is
    not known whether the server has seen it.
    """

    name: str
    python_name: str
    path: str
    request: MessageType
    response: MessageType
    comment: str
    line: int
    column: int
    request_streams: bool = False
    response_streams: bool = False
    idempotent: bool = False
    deprecated: bool = False

    @property
    def kind(self) -> str:
        """What gRPC calls methods like this one: `unary_unary`, `unary_stream` and so on."""
        request, response = (
            "stream" if streams else "unary" for streams in (self.request_streams, self.response_streams)
        )
        return f"{request}_{response}"


@dataclass(frozen=True, slots=True)
class Service:
    """One service and the names generated for it. `line` and `column` are where it is declared."""

    name: str
    full_name: str
    methods: tuple[Method, ...]
    comment: str
    line: int
    column: int
    deprecated: bool = False

    @property
    def rpc_class(self) -> str:
        return names.class_name(self.name, "Rpc")

    @property
    def client_class(self) -> str:
        return names.class_name(self.name, "Client")

    @property
    def function(self) -> str:
        return names.function_name(self.name, "service")

    @property
    def attribute(self) -> str:
        """What the context of a service calls its client."""
        return names.function_name(self.name, "rpc")


@dataclass(frozen=True, slots=True)
class Contract:
    """The services of one proto, in its order; a proto of messages has none. `module` has its messages.

    `declared` has the file of each name that the proto, or one that it imports, declares.
    """

    name: str
    module: str
    services: tuple[Service, ...]
    declared: Mapping[str, str] = field(default_factory=dict)


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
        self._declared = dict(_declared(descriptors.file))
        self._diagnostics: list[Diagnostic] = []

    def contract(self) -> Contract:
        if "." in self._file.name.removesuffix(".proto"):
            hint = f"rename it to `{self._file.stem}.proto`"
            message = "protoc makes no importable module of a file with a dot in its name"
            raise ContractError([self._file.diagnostic(1, 1, message, hint=hint)])
        for index, path in enumerate(self._proto.dependency):
            self._check((_IMPORT, index), names.wrong_import(path))
        for place, name in _declarations(self._proto):
            self._check((*place, _NAME), names.wrong_declaration(name))
        services = tuple(self._service(index, service) for index, service in enumerate(self._proto.service))
        self._check_distinct(services)
        if self._diagnostics:
            raise ContractError(self._diagnostics)
        return Contract(self._file.name, self._file.module("_pb2"), services, self._declared)

    def _service(self, index: int, service: ServiceDescriptorProto) -> Service:
        path = (_SERVICE, index)
        self._check((*path, _NAME), names.wrong_stub("service", service.name))
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
        return Service(
            service.name,
            full_name,
            tuple(methods),
            self._comment(path),
            line,
            column,
            deprecated=service.options.deprecated,
        )

    def _method(self, path: tuple[int, ...], service: str, method: MethodDescriptorProto) -> Method:
        self._check((*path, _NAME), names.wrong_stub("method", method.name))
        line, column, _ = self._place((*path, _NAME))
        return Method(
            name=method.name,
            python_name=naming.identifier(method.name),
            path=f"/{service}/{method.name}",
            request=self._message((*path, _INPUT), method.input_type),
            response=self._message((*path, _OUTPUT), method.output_type),
            comment=self._comment(path),
            line=line,
            column=column,
            request_streams=method.client_streaming,
            response_streams=method.server_streaming,
            idempotent=method.options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN,
            deprecated=method.options.deprecated,
        )

    def _message(self, path: tuple[int, ...], full_name: str) -> MessageType:
        message = self._messages[full_name]
        self._check(path, names.wrong_message(message.name))
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

    def _check(self, path: tuple[int, ...], problem: names.Problem | None) -> None:
        if problem:
            self._refuse(path, problem[0], hint=problem[1])

    def _refuse(self, path: tuple[int, ...], message: str, *, hint: str | None = None) -> None:
        line, column, length = self._place(path)
        self._diagnostics.append(self._file.diagnostic(line, column, message, hint=hint, length=length))

    def _place(self, path: tuple[int, ...]) -> tuple[int, int, int]:
        """Line, column and length (from 1, in characters) of a part of the proto."""
        # The line, the column and the end's column; where the end is on another line, its line before that.
        line, start, *end = self._locations[path].span
        text = self._file.lines[line]
        first = character_column(text, start)
        last = character_column(text, end[0]) if len(end) == 1 else len(text)
        return line + 1, first + 1, max(1, last - first)

    def _comment(self, path: tuple[int, ...]) -> str:
        location = self._locations.get(path, SourceCodeInfo.Location())
        comment = location.leading_comments or location.trailing_comments
        return "\n".join(re.sub(r"^ ", "", line).rstrip() for line in comment.splitlines()).strip()


def _declarations(proto: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """What a proto declares at its top level, and its module with it: path and name."""
    for index, message in enumerate(proto.message_type):
        yield (_MESSAGE, index), message.name
    for index, extension in enumerate(proto.extension):
        yield (_EXTENSION, index), extension.name
    for index, enum in enumerate(proto.enum_type):
        yield (_ENUM, index), enum.name
        for number, value in enumerate(enum.value):
            yield (_ENUM, index, _VALUE, number), value.name


def _declared(protos: Iterable[FileDescriptorProto]) -> Iterator[tuple[str, str]]:
    """The full names of what protos declare at their top level, each with its proto."""
    for proto in protos:
        prefix = f"{proto.package}." if proto.package else ""
        for name in (*(name for _, name in _declarations(proto)), *(each.name for each in proto.service)):
            yield prefix + name, proto.name


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
