"""The least that logic of `user-api` is."""

from user.user_api import (
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    RegisterResponse,
    UserApi,
    UserInfoResponse,
)
from user.user_api_service import Context
from user.user_pb2 import LoginRequest as RpcLoginRequest
from user.user_pb2 import RegisterRequest as RpcRegisterRequest
from user.user_pb2 import UserInfoRequest as RpcUserInfoRequest
from zero_runtime import rest


class UserLogic(UserApi):
    def __init__(self, context: Context) -> None:
        self._context = context

    async def login(self, request: LoginRequest) -> LoginResponse:
        credentials = RpcLoginRequest(mobile=request.mobile, password=request.password)
        user = await self._context.user_rpc.login(credentials)
        token, expires_at = self._context.auth.issue({"userId": user.id})
        return LoginResponse(access_token=token, access_expire=expires_at)

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        user = await self._context.user_rpc.register(RpcRegisterRequest(mobile=request.mobile))
        return RegisterResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)

    async def user_info(self, claims: rest.Claims) -> UserInfoResponse:
        user = await self._context.user_rpc.user_info(RpcUserInfoRequest(id=claims["userId"]))
        return UserInfoResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)
