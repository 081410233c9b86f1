"""The least that logic of `user-rpc` is."""

from user.user_pb2 import (
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    RegisterResponse,
    UserInfoRequest,
    UserInfoResponse,
)
from user.user_rpc import UserRpc
from user.user_rpc_service import Context
from zero_runtime.errors import NotFound


class UserLogic(UserRpc):
    def __init__(self, context: Context) -> None:
        self._context = context

    async def login(self, request: LoginRequest) -> LoginResponse:
        user = await self._context.user_model.find_one_by_mobile(request.mobile)
        if user is None:
            raise NotFound(request.mobile)
        return LoginResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        user = await self._context.user_model.insert(mobile=request.mobile, password="")
        return RegisterResponse(id=user.id)

    async def user_info(self, request: UserInfoRequest) -> UserInfoResponse:
        user = await self._context.user_model.find_one(request.id)
        if user is None:
            raise NotFound(str(request.id))
        return UserInfoResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)
