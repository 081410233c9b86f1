"""Zero as its services are run by default."""

from contextlib import AsyncExitStack

from zero_logic import bound

from zero_runtime import config, rest, service


class Config(config.RestConf, kw_only=True, frozen=True):
    auth: config.JwtConf


async def wire(config: Config, resources: AsyncExitStack) -> service.Server:
    return rest.Server(config, bound(config.auth))


if __name__ == "__main__":
    service.run(Config, wire)
