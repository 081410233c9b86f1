from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from zero_runtime.errors import Code
from zero_runtime.rpc.server.conftest import Serve, Served, failure, run

NAMES = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "test.Talk",
]

Request: Any = reflection_pb2.ServerReflectionRequest


async def ask(served: Served, request: Any, version: str = "v1") -> Any:
    call: Any = served.caller.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        Request.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    return await call([request]).read()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_services_are_listed(serve: Serve, version: str) -> None:
    async def test() -> None:
        async with serve() as served:
            told = await ask(served, Request(host="here", list_services=""), version)
            assert [each.name for each in told.list_services_response.service] == NAMES
            assert told.valid_host == "here" and told.original_request.host == "here"

    run(test())


def test_grpcs_own_client_learns_all_of_a_service(serve: Serve) -> None:
    def look(address: str) -> list[str]:
        with grpc.insecure_channel(address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            assert list(database.get_services()) == NAMES
            pool = descriptor_pool.DescriptorPool(database)
            service = pool.FindServiceByName("grpc.health.v1.Health")
            assert pool.FindMessageTypeByName("google.rpc.BadRequest").fields_by_name["field_violations"]
            return sorted(service.methods_by_name)

    async def test() -> None:
        async with serve() as served:
            assert await asyncio.to_thread(look, served.address) == ["Check", "List", "Watch"]

    run(test())


def test_files_come_with_what_they_import(serve: Serve) -> None:
    async def test() -> None:
        async with serve() as served:
            told = await ask(served, Request(file_by_filename="google/rpc/status.proto"))
            files = told.file_descriptor_response.file_descriptor_proto
            names = [FileDescriptorProto.FromString(file).name for file in files]
            assert names == ["google/rpc/status.proto", "google/protobuf/any.proto"]

    run(test())


@pytest.mark.parametrize(
    "request_",
    [
        Request(file_by_filename="no/such.proto"),
        Request(file_containing_symbol="no.Such"),
        Request(all_extension_numbers_of_type="no.Such"),
        Request(file_containing_extension={"containing_type": "no.Such", "extension_number": 1}),
        Request(file_containing_extension={"containing_type": "google.rpc.Status", "extension_number": 1}),
    ],
)
def test_what_is_not_there_is_not_found(serve: Serve, request_: Any) -> None:
    async def test() -> None:
        async with serve() as served:
            told = await ask(served, request_)
            assert told.error_response.error_code == Code.NOT_FOUND

    run(test())


def test_extensions(serve: Serve) -> None:
    async def test() -> None:
        async with serve() as served:
            told = await ask(served, Request(all_extension_numbers_of_type="google.protobuf.MethodOptions"))
            numbers = told.all_extension_numbers_response
            assert numbers.base_type_name == "google.protobuf.MethodOptions"
            assert list(numbers.extension_number) == sorted(numbers.extension_number)
            told = await ask(served, Request())
            assert told.error_response.error_code == Code.INVALID_ARGUMENT

    run(test())


def test_production_tells_nothing(serve: Serve) -> None:
    async def test() -> None:
        async with serve(mode="pro") as served:
            call = served.caller.channel.stream_stream(
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
            )
            found = await failure(call([]))
            assert found.code() is grpc.StatusCode.UNIMPLEMENTED

    run(test())
