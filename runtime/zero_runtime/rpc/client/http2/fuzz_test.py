from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zero_runtime.rpc.client.http2.conftest import PATH, connected, framed, say
from zero_runtime.rpc.http2 import frames


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            frames.frame,
            st.integers(0, 10),
            st.integers(0, 255),
            st.integers(0, 5),
            st.binary(max_size=40) | st.sampled_from((b"\x88", b"\x00\x0bgrpc-status\x010", framed(b"x"))),
        )
        | st.binary(max_size=30),
        max_size=8,
    )
)
def test_whatever_a_server_says_the_calls_end(said: list[bytes]) -> None:
    async def test() -> None:
        problems: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(24)
            writer.write(frames.settings({}))
            await asyncio.sleep(0.002)
            writer.write(b"".join(said))
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            async with connected(address) as client:
                stream = client.open(PATH, None, 1)
                calls = (say(client), say(client), stream.write(b"x"), stream.read())
                await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 2)
        assert not problems

    asyncio.run(test())
