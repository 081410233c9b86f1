"""grpclib on uvloop."""

from functools import partial

import uvloop
from driving import TIMEOUT, drive, options
from grpclib.client import Channel, UnaryUnaryMethod
from user.user_pb2 import LoginRequest, LoginResponse


async def main() -> None:
    given = options()
    async with Channel("127.0.0.1", given.port) as channel:
        login: UnaryUnaryMethod[LoginRequest, LoginResponse] = UnaryUnaryMethod(
            channel, "/user.User/Login", LoginRequest, LoginResponse
        )
        await drive(partial(login, timeout=TIMEOUT), given.seconds)


uvloop.run(main())
