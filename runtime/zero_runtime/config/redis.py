"""The configuration of Redis."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf
from zero_runtime.config.durations import Duration


class RedisConf(Conf, kw_only=True, frozen=True):
    """``Redis``: what limits are shared in, and more; none unless ``Host`` names one."""

    host: str = ""
    """``host:port``; of a cluster several, with commas in between."""

    type: Literal["node", "cluster"] = "node"
    user: str = ""
    pass_: str = msgspec.field(default="", name="Pass")
    tls: bool = False
    non_block: bool = True
    """Whether a service starts without it."""

    ping_timeout: Duration = msgspec.field(default=Duration(1.0))
    """How long it may take to answer when a service that does not start without it starts."""

    protocol: Annotated[int, msgspec.Meta(ge=2, le=3)] = 3
    """The version of its protocol."""
