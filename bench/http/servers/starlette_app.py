"""The login of the user service in Starlette, with msgspec for what is in the bodies."""

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class LoginRequest(msgspec.Struct):
    mobile: str
    password: str


class LoginResponse(msgspec.Struct, rename="camel"):
    access_token: str
    access_expire: int


decode = msgspec.json.Decoder(LoginRequest).decode
encode = msgspec.json.Encoder().encode


async def login(request: Request) -> Response:
    try:
        body = decode(await request.body())
    except msgspec.DecodeError as error:
        return Response(str(error), status_code=400)
    answer = LoginResponse(access_token=f"token of {body.mobile}", access_expire=1700000000)
    return Response(encode(answer), media_type="application/json")


app = Starlette(routes=[Route("/api/user/login", login, methods=["POST"])])
