"""Zero as its services are run with `http_server="granian"`."""

from contextlib import AsyncExitStack

from zero_logic import bound
from zero_uvicorn import Config

from zero_runtime import service
from zero_runtime.rest.granian import Server


async def wire(config: Config, resources: AsyncExitStack) -> service.Server:
    return Server(config, bound(config.auth))


if __name__ == "__main__":
    service.run(Config, wire)
