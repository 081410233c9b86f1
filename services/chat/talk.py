"""Talks in a room from a terminal: what is typed is said there, what is said there is printed."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator

from chat.chat_pb2 import Join, TalkRequest
from chat.chat_rpc import ChatClient

from zero_runtime import config, rpc


async def talk(chat: ChatClient, room: str, user_id: int, lines: AsyncIterator[str]) -> None:
    """Says the lines and prints what is said until the last of them is."""

    async def said() -> AsyncIterator[TalkRequest]:
        yield TalkRequest(join=Join(room=room, user_id=user_id))
        async for line in lines:
            yield TalkRequest(text=line)

    async with chat.talk(said()) as heard:
        async for response in heard:
            print(f"{response.message.name}: {response.message.text}", flush=True)


async def typed() -> AsyncIterator[str]:
    """The lines of the standard input that are not empty."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async for line in reader:
        if text := line.decode(errors="replace").strip():
            yield text


async def main(target: str, room: str, user_id: int) -> None:
    async with rpc.connect(config.RpcClientConf(target=target)) as channel:
        await talk(ChatClient(channel), room, user_id, typed())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room")
    parser.add_argument("user", type=int, help="the id of the user who talks")
    parser.add_argument("--target", default="local:///chat", help="where the chat is (default: %(default)s)")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.target, arguments.room, arguments.user))
