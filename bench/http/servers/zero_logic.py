"""The user service on generated code, its logic replaced: a login is answered without asking anybody."""

from user.user_api import (
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    RegisterResponse,
    UserApi,
    UserInfoResponse,
    routes,
)

from zero_runtime import config, rest


class Logic(UserApi):
    async def login(self, request: LoginRequest) -> LoginResponse:
        return LoginResponse(access_token=f"token of {request.mobile}", access_expire=1700000000)

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        raise NotImplementedError

    async def user_info(self, claims: rest.Claims) -> UserInfoResponse:
        raise NotImplementedError


def bound(auth: config.JwtConf) -> tuple[rest.Route, ...]:
    """The routes of the service."""
    return routes(Logic(), auth=rest.Jwt(auth))
