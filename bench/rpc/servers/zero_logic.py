"""The user service on generated code, its logic replaced: a login is answered without asking anybody."""

from user.user_pb2 import (
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    RegisterResponse,
    UserInfoRequest,
    UserInfoResponse,
)
from user.user_rpc import UserRpc, user_service

from zero_runtime import rpc


class Logic(UserRpc):
    async def login(self, request: LoginRequest) -> LoginResponse:
        return LoginResponse(id=1, name="Ann", gender=1, mobile=request.mobile)

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        raise NotImplementedError

    async def user_info(self, request: UserInfoRequest) -> UserInfoResponse:
        raise NotImplementedError


def services() -> tuple[rpc.Service, ...]:
    return (user_service(Logic()),)
