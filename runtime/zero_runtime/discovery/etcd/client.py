"""A small client of etcd's API: what a registry needs, over any of its members.

Why an own one: of those on PyPI none renews its token, resumes a watch and speaks TLS, and most register
their messages under names that clash with those of users.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from zero_runtime.config import EtcdConf
from zero_runtime.discovery.etcd import etcd_pb2 as pb
from zero_runtime.discovery.etcd.members import Member, connect

REQUEST_TIMEOUT = 3.0
"""Seconds that a member has to answer; go-zero's."""

_AWAY = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNKNOWN,  # so says a member that has lost the others: "context deadline exceeded"
    grpc.StatusCode.INTERNAL,  # so says grpcio, at times, of a connection that breaks: "Internal error from Core"
)
"""What another member may do better."""

_LEASE_GONE = "requested lease not found"
_NO_AUTH = "authentication is not enabled"
_OLD_TOKEN = ("invalid auth token", "user name is empty", "revision of auth store is old")
"""What etcd says when it wants another token: after its time, a restart, a change of users; or one at all.

https://github.com/etcd-io/etcd/blob/release-3.4/etcdserver/api/v3rpc/rpctypes/error.go."""

_NEEDS_LEADER = ("hasleader", "true")
"""Makes a member that has lost the others end a watch, rather than keep it and see nothing."""

_Answer = TypeVar("_Answer", bound=Message)


class EtcdError(Exception):
    """What was asked of etcd was not done."""


class EtcdAway(EtcdError):
    """No member of etcd can be asked."""


class LeaseLost(EtcdError):
    """The lease has ended: nobody kept it alive, it was revoked, or etcd has lost what it knew."""


@dataclass(frozen=True, slots=True)
class Change:
    """A key was written, or deleted: then it has no value."""

    key: bytes
    value: bytes | None


class Client:
    """The members of one etcd. Connections are made when something is asked, and stay until `aclose`.

    Making one raises InvalidValue for a configuration that can never work; its methods raise EtcdError.
    """

    def __init__(self, conf: EtcdConf) -> None:
        self._conf = conf
        self._token = ""
        self._members: Sequence[Member] = connect(conf)
        self._member = self._members[0]

    async def aclose(self) -> None:
        await asyncio.gather(*(member.close() for member in self._members))

    async def grant(self, ttl: int) -> int:
        """A lease: what is written with it is gone ``ttl`` seconds after it was last kept alive."""
        request = pb.LeaseGrantRequest(ttl=ttl)
        answer = await self._ask("/etcdserverpb.Lease/LeaseGrant", request, pb.LeaseGrantResponse)
        return int(answer.id)

    async def keep_alive(self, lease: int) -> None:
        """Raises LeaseLost when there is no such lease any more."""
        request = pb.LeaseKeepAliveRequest(id=lease)
        # In etcd's API it is a stream, for clients with many leases. One message at a time is a stream, too.
        answer = await self._ask("/etcdserverpb.Lease/LeaseKeepAlive", request, pb.LeaseKeepAliveResponse)
        if answer.ttl <= 0:
            raise LeaseLost(_LEASE_GONE)

    async def revoke(self, lease: int) -> None:
        """Ends a lease, and with it what was written with it. Doing it twice does no harm."""
        with suppress(LeaseLost):
            request = pb.LeaseRevokeRequest(id=lease)
            await self._ask("/etcdserverpb.Lease/LeaseRevoke", request, pb.LeaseRevokeResponse)

    async def put(self, key: bytes, value: bytes, lease: int) -> int:
        """Writes; returns the revision of that. Raises LeaseLost when there is no such lease any more."""
        request = pb.PutRequest(key=key, value=value, lease=lease)
        answer = await self._ask("/etcdserverpb.KV/Put", request, pb.PutResponse)
        return int(answer.header.revision)

    async def read(self, prefix: bytes) -> tuple[Mapping[bytes, bytes], int]:
        """All keys that begin with ``prefix``, and the revision of the store they are of."""
        request = pb.RangeRequest(key=prefix, range_end=after(prefix))
        answer = await self._ask("/etcdserverpb.KV/Range", request, pb.RangeResponse)
        return {entry.key: entry.value for entry in answer.kvs}, int(answer.header.revision)

    async def watch(self, prefix: bytes, revision: int) -> AsyncGenerator[Sequence[Change], None]:
        """What happens to keys that begin with ``prefix``, from ``revision`` on. Ends with an EtcdError.

        It does not go on by itself: whoever watches reads anew then, which is right after every kind of end:
        a member that is gone, history that was compacted, a token that has grown old.
        """
        member = self._member
        create = pb.WatchCreateRequest(key=prefix, range_end=after(prefix), start_revision=revision)
        call = member.stream(
            "/etcdserverpb.Watch/Watch", pb.WatchResponse, (*self._metadata(), _NEEDS_LEADER)
        )
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                await call.write(pb.WatchRequest(create_request=create))
                answer = await call.read()
            while answer is not grpc.aio.EOF:
                if answer.canceled:
                    raise EtcdError(_why(answer))
                if answer.events:
                    yield [
                        Change(event.kv.key, None if event.deleted else event.kv.value)
                        for event in answer.events
                    ]
                answer = await call.read()
            raise EtcdAway(f"{member.host}: it ended the watch")
        except grpc.aio.AioRpcError as error:
            self._leave(member)
            raise _failure(member, error) from error
        except TimeoutError:
            self._leave(member)
            raise EtcdAway(f"{member.host}: no answer within {REQUEST_TIMEOUT:g} s") from None
        finally:
            call.cancel()

    async def _ask(self, path: str, request: Message, kind: type[_Answer]) -> _Answer:
        """The answer of the member that was asked last or, if that is away, of another."""
        failures = []
        for _ in self._members:
            member = self._member
            try:
                return await self._ask_member(member, path, request, kind)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _AWAY:
                    raise _failure(member, error) from error
                self._leave(member)
                failures.append(f"{member.host}: {_reason(error)}")
        raise EtcdAway("; ".join(failures))

    async def _ask_member(self, member: Member, path: str, request: Message, kind: type[_Answer]) -> _Answer:
        """The same of one member. It is asked again, once, if it wants a new token."""
        if self._conf.user and not self._token:
            await self._authenticate(member)
        try:
            return await member.ask(path, request, kind, self._metadata(), REQUEST_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if not self._conf.user or not any(text in _reason(error) for text in _OLD_TOKEN):
                raise
        await self._authenticate(member)
        return await member.ask(path, request, kind, self._metadata(), REQUEST_TIMEOUT)

    async def _authenticate(self, member: Member) -> None:
        request = pb.AuthenticateRequest(name=self._conf.user, password=self._conf.pass_)
        self._token = ""
        try:
            answer = await member.ask(
                "/etcdserverpb.Auth/Authenticate", request, pb.AuthenticateResponse, (), REQUEST_TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            if _NO_AUTH not in _reason(error):
                raise
        else:
            self._token = answer.token

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("token", self._token),) if self._token else ()

    def _leave(self, member: Member) -> None:
        """Asks another member from now on, unless somebody has decided so before."""
        if self._member is member:
            self._member = self._members[(self._members.index(member) + 1) % len(self._members)]


def after(prefix: bytes) -> bytes:
    """The first key behind all that begin with ``prefix``."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def _failure(member: Member, error: grpc.aio.AioRpcError) -> EtcdError:
    reason = _reason(error)
    if _LEASE_GONE in reason:
        return LeaseLost(_LEASE_GONE)
    kind = EtcdAway if error.code() in _AWAY else EtcdError
    return kind(f"{member.host}: {reason}")


def _reason(error: grpc.aio.AioRpcError) -> str:
    return str(error.details() or error.code().name).removeprefix("etcdserver: ")


def _why(answer: Any) -> str:
    if answer.compact_revision:
        return f"what happened before revision {answer.compact_revision} was compacted"
    return answer.cancel_reason or "the watch was refused"
