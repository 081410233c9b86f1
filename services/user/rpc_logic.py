"""Accounts: who they are is kept in the table `user`, their passwords as argon2 hashes only."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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

from zero_runtime.errors import AlreadyExists, InvalidArgument, NotFound, Unauthenticated
from zero_runtime.model import DuplicateKey

T = TypeVar("T")

# argon2-cffi's defaults are RFC 9106's profile for limited memory: a hash takes tens of milliseconds and 64 MiB. So it
# is done on threads, and on two only: as many as the default pool has would take more memory than the pod is given.
_HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")


class UserLogic(UserRpc):
    def __init__(self, context: Context) -> None:
        self._users = context.user_model
        # Verified when a mobile number is unknown, so that the time of the answer does not tell which numbers have an
        # account.
        self._nobody = _HASHER.hash("")

    async def login(self, request: LoginRequest) -> LoginResponse:
        user = await self._users.find_one_by_mobile(request.mobile)
        password = user.password if user else self._nobody
        if not await _on_thread(_matches, password, request.password) or user is None:
            raise Unauthenticated("mobile number and password do not match")
        return LoginResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        if not request.mobile or not request.password:
            raise InvalidArgument("an account needs a mobile number and a password")
        try:
            user = await self._users.insert(
                name=request.name,
                gender=request.gender,
                mobile=request.mobile,
                password=await _on_thread(_HASHER.hash, request.password),
            )
        except DuplicateKey as error:
            raise AlreadyExists("this mobile number has an account") from error
        return RegisterResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)

    async def user_info(self, request: UserInfoRequest) -> UserInfoResponse:
        user = await self._users.find_one(request.id)
        if user is None:
            raise NotFound(f"there is no user {request.id}")
        return UserInfoResponse(id=user.id, name=user.name, gender=user.gender, mobile=user.mobile)


async def _on_thread(work: Callable[..., T], *arguments: str) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work, *arguments)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except VerifyMismatchError:
        return False
