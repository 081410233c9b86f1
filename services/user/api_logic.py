"""The HTTP gateway of the user service: it keeps no data, user-rpc does."""

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
        self._auth = context.auth
        self._user = context.user_rpc

    async def login(self, request: LoginRequest) -> LoginResponse:
        user = await self._user.login(RpcLoginRequest(mobile=request.mobile, password=request.password))
        token, expires_at = self._auth.issue({"userId": user.id})
        return LoginResponse(access_token=token, access_expire=expires_at)

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        user = await self._user.register(
            RpcRegisterRequest(
                name=request.name,
                gender=request.gender,
                mobile=request.mobile,
                password=request.password,
            )
        )
        return RegisterResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)

    async def user_info(self, claims: rest.Claims) -> UserInfoResponse:
        user = await self._user.user_info(RpcUserInfoRequest(id=claims["userId"]))
        return UserInfoResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)
