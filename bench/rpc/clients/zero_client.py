"""Zero's generated client, with all that it does by default, or nothing of it."""

import asyncio
from contextlib import ExitStack
from functools import partial

import msgspec
import uvloop
from driving import TIMEOUT, drive, options
from user.user_rpc import UserClient

from zero_runtime import config, observability, rpc

OFF = {
    "Middlewares": dict.fromkeys(("Trace", "Duration", "Prometheus", "Breaker", "Timeout"), False),
    "Timeout": 0,
}


async def main() -> None:
    given = options()
    target = {"Target": f"direct:///127.0.0.1:{given.port}", "Transport": given.transport}
    conf = msgspec.convert(target if given.observed else target | OFF, config.RpcClientConf)
    with ExitStack() as stack:
        if given.observed:
            telemetry = {"Endpoint": f"127.0.0.1:{given.observed}", "Batcher": "otlphttp", "Sampler": 1.0}
            service = msgspec.convert({"Name": "caller", "Telemetry": telemetry}, config.ServiceConf)
            observability.Metrics().attach(0)
            tracer = observability.start_tracer(service)
            assert tracer is not None
            stack.callback(tracer.stop)
        async with rpc.connect(conf) as channel:
            await asyncio.sleep(0.1)
            await drive(partial(UserClient(channel).login, timeout=TIMEOUT), given.seconds)


uvloop.run(main())
