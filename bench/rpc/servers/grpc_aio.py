"""``grpc.aio``: as it is, on uvloop, or with the interceptors of OpenTelemetry and Prometheus.

grpc_aio.py PORT [--uvloop] [--observed COLLECTOR SHARE]
"""

import argparse
import asyncio

import grpc.aio
import uvloop
from user.user_pb2 import LoginRequest, LoginResponse
from user.user_pb2_grpc import UserServicer, add_UserServicer_to_server


class User(UserServicer):
    async def Login(
        self, request: LoginRequest, context: "grpc.aio.ServicerContext[LoginRequest, LoginResponse]"
    ) -> LoginResponse:
        return LoginResponse(id=1, name="Ann", gender=1, mobile=request.mobile)


def interceptors(collector: int, share: float) -> list[grpc.aio.ServerInterceptor]:
    from opentelemetry.instrumentation.grpc import aio_server_interceptor
    from py_async_grpc_prometheus.prometheus_async_server_interceptor import PromAsyncServerInterceptor
    from tracing import provider

    return [
        aio_server_interceptor(tracer_provider=provider(collector, share)),
        PromAsyncServerInterceptor(enable_handling_time_histogram=True),
    ]


async def serve(options: argparse.Namespace) -> None:
    observed = interceptors(int(options.observed[0]), float(options.observed[1])) if options.observed else []
    server = grpc.aio.server(interceptors=observed)
    add_UserServicer_to_server(User(), server)
    server.add_insecure_port(f"127.0.0.1:{options.port}")
    await server.start()
    await server.wait_for_termination()


parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--uvloop", action="store_true")
parser.add_argument("--observed", nargs=2)
arguments = parser.parse_args()
(uvloop.run if arguments.uvloop else asyncio.run)(serve(arguments))
