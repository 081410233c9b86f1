"""The configuration of gRPC services and of those who call them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Milliseconds
from zero_runtime.config.embedded import Embedded
from zero_runtime.config.service import ServiceConf


class RpcServerConf(ServiceConf, kw_only=True, frozen=True):
    """A gRPC service."""

    listen_on: Annotated[
        str, msgspec.Meta(pattern=r":[0-9]{1,5}\Z", description="`host:port`"), Embedded("127.0.0.1:0")
    ] = "0.0.0.0:8080"
    """Address as ``host:port``; port 0 takes any free one."""

    timeout: Milliseconds = 2000
    """How long one call may take; it ends with DEADLINE_EXCEEDED then."""

    register: Annotated[Literal["none", "local"], Embedded("local")] = "none"
    """Where it announces its address, under its name: ``local`` is the registry folder of this machine."""


class RpcClientConf(Conf, kw_only=True, frozen=True):
    """A gRPC service that is called: ``Endpoints`` or ``Target`` says where it is."""

    endpoints: list[Annotated[str, msgspec.Meta(min_length=1)]] = msgspec.field(default_factory=list)
    """Addresses, ``host:port`` each. They win over ``Target``."""

    target: str = ""
    """``dns:///user-rpc:8080``, ``direct:///a:1,b:2``, ``local:///user-rpc`` or whatever gRPC resolves."""

    timeout: Milliseconds = 2000
    """How long one call may take, unless the call itself says otherwise."""

    def __post_init__(self) -> None:
        if not self.endpoints and not self.target:
            raise ValueError("one of Target and Endpoints is required")
