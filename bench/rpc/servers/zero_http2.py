"""Zero as its services are run by default."""

from contextlib import AsyncExitStack

from zero_logic import services

from zero_runtime import config, rpc, service


async def wire(conf: config.RpcServerConf, resources: AsyncExitStack) -> service.Server:
    return rpc.Server(conf, services())


if __name__ == "__main__":
    service.run(config.RpcServerConf, wire)
