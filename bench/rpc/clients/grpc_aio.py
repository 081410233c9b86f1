"""``grpc.aio``: as it is, or with the interceptors of OpenTelemetry and Prometheus."""

import asyncio
from functools import partial

import grpc.aio
from driving import TIMEOUT, drive, options
from user.user_pb2_grpc import UserStub


async def main() -> None:
    given = options()
    interceptors = []
    if given.observed:
        from opentelemetry.instrumentation.grpc import aio_client_interceptors
        from py_async_grpc_prometheus.prometheus_async_client_interceptor import PromAsyncClientInterceptor
        from tracing import provider

        interceptors = [
            *aio_client_interceptors(tracer_provider=provider(given.observed, 1.0)),
            PromAsyncClientInterceptor(enable_client_handling_time_histogram=True),
        ]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{given.port}", interceptors=interceptors) as channel:
        await drive(partial(UserStub(channel).Login, timeout=TIMEOUT), given.seconds)


asyncio.run(main())
