"""Zero with ``rpc_server="grpcio"``."""

from contextlib import AsyncExitStack

from zero_logic import services

from zero_runtime import config, service
from zero_runtime.rpc import grpcio


async def wire(conf: config.RpcServerConf, resources: AsyncExitStack) -> service.Server:
    return grpcio.Server(conf, services())


if __name__ == "__main__":
    service.run(config.RpcServerConf, wire)
