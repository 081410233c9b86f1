"""Callers prove who they are with the token of their ``App``, which Redis has in a hash: go-zero's scheme."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

from zero_runtime.config import RpcServerConf
from zero_runtime.errors import Unauthenticated, Unavailable
from zero_runtime.resilience import SingleFlight
from zero_runtime.rpc.server.call import ServedCall

_KNOWN = 300.0
"""Seconds that a token is believed before Redis is asked again; go-zero's number."""

_UNKNOWN = 5.0
"""Seconds that an app is believed to have none, so that those who try do not keep Redis busy."""

_MOST = 10_000
"""Apps that are remembered; those that were asked for longest ago are forgotten first."""


class Auth:
    """Checks the metadata ``app`` and ``token`` of calls.

    While Redis cannot be asked for a token that is not remembered, calls pass, unless ``StrictControl`` is
    on. An app that Redis does not know never passes: in go-zero it does without ``StrictControl``.
    """

    def __init__(self, conf: RpcServerConf, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises `InvalidValue` when ``Redis`` is written wrongly. Call it in the loop that serves."""
        from zero_runtime import redis  # it takes its time to load

        self._clock = clock
        self._key = conf.auth_key
        self._strict = conf.strict_control
        self._redis = redis.connect(conf.redis)
        self._remembered: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        self._asking: SingleFlight[str | None] = SingleFlight("auth")

    async def check(self, call: ServedCall) -> str:
        """Who calls. Raises Unauthenticated, or Unavailable when that cannot be found out."""
        app, token = call.value("app"), call.value("token")
        if not isinstance(app, str) or not isinstance(token, str) or not app or not token:
            raise Unauthenticated("the metadata app and token are required")
        known = self._remembered.get(app)
        if known is not None and self._clock() < known[0]:
            expected = known[1]
        else:
            from redis.exceptions import RedisError

            try:
                expected = await self._asking.do(app, lambda: self._ask(app))
            except (RedisError, OSError) as error:
                if not self._strict:
                    return app
                raise Unavailable("it cannot be found out who calls") from error
        if expected is None or not hmac.compare_digest(expected.encode(), token.encode()):
            raise Unauthenticated("app and token do not belong together")
        return app

    async def _ask(self, app: str) -> str | None:
        token = cast("str | None", await self._redis.client.hget(self._key, app))
        self._remembered[app] = self._clock() + (_UNKNOWN if token is None else _KNOWN), token
        self._remembered.move_to_end(app)
        if len(self._remembered) > _MOST:
            self._remembered.popitem(last=False)
        return token
