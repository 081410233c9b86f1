"""Server reflection: tools such as grpcurl ask what is served, and what its messages look like.

https://github.com/grpc/grpc/blob/master/doc/server-reflection.md. The version ``v1`` is ``v1alpha`` under
another name, message by message; so one serves for both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha.reflection_pb2 import (
    ErrorResponse,
    ExtensionNumberResponse,
    FileDescriptorResponse,
    ListServiceResponse,
    ServerReflectionRequest,
    ServerReflectionResponse,
    ServiceResponse,
)

from zero_runtime.errors import Code
from zero_runtime.rpc.service import Service, stream_stream

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


def reflection(names: Iterable[str]) -> tuple[Service, ...]:
    """The services that tell of the services of these names, and of themselves."""
    answers = _Answers(sorted({*names, *NAMES}))

    async def tell(
        requests: AsyncIterator[ServerReflectionRequest],
    ) -> AsyncIterator[ServerReflectionResponse]:
        async for request in requests:
            yield answers.to(request)

    return tuple(
        Service(
            name,
            (stream_stream("ServerReflectionInfo", tell, ServerReflectionRequest, ServerReflectionResponse),),
        )
        for name in NAMES
    )


class _Answers:
    def __init__(self, names: Iterable[str]) -> None:
        self._services = [ServiceResponse(name=name) for name in names]
        self._pool: Any = descriptor_pool.Default()  # its stubs lack half of it
        self._kinds: dict[str, Callable[[ServerReflectionRequest], dict[str, Any]]] = {
            "file_by_filename": lambda request: self._files(
                self._pool.FindFileByName(request.file_by_filename)
            ),
            "file_containing_symbol": lambda request: self._files(
                self._pool.FindFileContainingSymbol(request.file_containing_symbol)
            ),
            "file_containing_extension": self._file_of_extension,
            "all_extension_numbers_of_type": self._extension_numbers,
            "list_services": lambda request: {
                "list_services_response": ListServiceResponse(service=self._services)
            },
        }

    def to(self, request: ServerReflectionRequest) -> ServerReflectionResponse:
        """The answer to one question."""
        kind = request.WhichOneof("message_request")
        if kind is None:
            answer = _error(Code.INVALID_ARGUMENT, "the request asks for nothing")
        else:
            try:
                answer = self._kinds[kind](request)
            except KeyError:
                answer = _error(Code.NOT_FOUND, f"{kind}: not known here")
        return ServerReflectionResponse(valid_host=request.host, original_request=request, **answer)

    def _file_of_extension(self, request: ServerReflectionRequest) -> dict[str, Any]:
        wanted = request.file_containing_extension
        message = self._pool.FindMessageTypeByName(wanted.containing_type)
        return self._files(self._pool.FindExtensionByNumber(message, wanted.extension_number).file)

    def _extension_numbers(self, request: ServerReflectionRequest) -> dict[str, Any]:
        name = request.all_extension_numbers_of_type
        extensions = self._pool.FindAllExtensions(self._pool.FindMessageTypeByName(name))
        numbers = sorted(extension.number for extension in extensions)
        told = ExtensionNumberResponse(base_type_name=name, extension_number=numbers)
        return {"all_extension_numbers_response": told}

    def _files(self, file: FileDescriptor) -> dict[str, Any]:
        """A file and all that it imports, which a tool needs to understand it."""
        found: dict[str, bytes] = {}
        waiting = [file]
        while waiting:
            one = waiting.pop()
            if one.name not in found:
                found[one.name] = one.serialized_pb
                waiting.extend(one.dependencies)
        told = FileDescriptorResponse(file_descriptor_proto=found.values())
        return {"file_descriptor_response": told}


def _error(code: Code, message: str) -> dict[str, Any]:
    return {"error_response": ErrorResponse(error_code=code, error_message=message)}
