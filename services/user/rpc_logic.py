"""Accounts: who they are is kept in the table `user`, their passwords as argon2 hashes only."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
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

from zero_runtime.errors import InvalidArgument, NotFound, Unauthenticated

# argon2-cffi's defaults are RFC 9106's profile for limited memory. Hashing takes tens of milliseconds, so it is done on
# a thread.
_HASHER = PasswordHasher()


class UserLogic(UserRpc):
    def __init__(self, context: Context) -> None:
        self._users = context.user_model
        # Verified when a mobile number is unknown, so that the time of the answer does not tell which numbers have an
        # account.
        self._nobody = _HASHER.hash("")

    async def login(self, request: LoginRequest) -> LoginResponse:
        user = await self._users.find_one_by_mobile(request.mobile)
        password = user.password if user else self._nobody
        if not await asyncio.to_thread(_matches, password, request.password) or user is None:
            raise Unauthenticated("mobile number and password do not match")
        return LoginResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        if not request.mobile or not request.password:
            raise InvalidArgument("an account needs a mobile number and a password")
        user = await self._users.insert(
            name=request.name,
            gender=request.gender,
            mobile=request.mobile,
            password=await asyncio.to_thread(_HASHER.hash, request.password),
        )
        return RegisterResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)

    async def user_info(self, request: UserInfoRequest) -> UserInfoResponse:
        user = await self._users.find_one(request.id)
        if user is None:
            raise NotFound(f"there is no user {request.id}")
        return UserInfoResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except VerifyMismatchError:
        return False
