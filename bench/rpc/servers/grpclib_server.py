"""grpclib on uvloop: grpclib_server.py PORT"""

import sys

import uvloop
from grpclib.const import Cardinality, Handler
from grpclib.server import Server, Stream
from user.user_pb2 import LoginRequest, LoginResponse


class User:
    async def login(self, stream: Stream[LoginRequest, LoginResponse]) -> None:
        request = await stream.recv_message()
        assert request is not None
        await stream.send_message(LoginResponse(id=1, name="Ann", gender=1, mobile=request.mobile))

    def __mapping__(self) -> dict[str, Handler]:
        unary = Cardinality.UNARY_UNARY
        return {"/user.User/Login": Handler(self.login, unary, LoginRequest, LoginResponse)}


async def serve() -> None:
    server = Server([User()])
    await server.start("127.0.0.1", int(sys.argv[1]))
    await server.wait_closed()


uvloop.run(serve())
