"""The login of the user service by hand, on the bare interface of Granian: what a framework could at best be."""

from typing import Any

import msgspec


class LoginRequest(msgspec.Struct):
    mobile: str
    password: str


class LoginResponse(msgspec.Struct, rename="camel"):
    access_token: str
    access_expire: int


JSON = [("content-type", "application/json")]
decode = msgspec.json.Decoder(LoginRequest).decode
encode = msgspec.json.Encoder().encode


async def app(scope: Any, protocol: Any) -> None:
    if scope.path != "/api/user/login":
        protocol.response_empty(404, [])
    elif scope.method != "POST":
        protocol.response_empty(405, [("allow", "POST")])
    else:
        try:
            body = decode(await protocol())
        except msgspec.DecodeError as error:
            protocol.response_str(400, [], str(error))
        else:
            answer = LoginResponse(access_token=f"token of {body.mobile}", access_expire=1700000000)
            protocol.response_bytes(200, JSON, encode(answer))
