"""A server of Debian's python3-websockets that echoes and obeys, as in story_test.go.

    python3 server.py [PERMESSAGE-DEFLATE]

PERMESSAGE-DEFLATE is as JSON what ServerPerMessageDeflateFactory takes. It says {port}, and for each connection {code,
reason}, how it was closed, and ends with its standard input.
"""

import asyncio
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


def say(**what):
    print(json.dumps(what), flush=True)


def text(n):
    return "aé€🚀" * (n // 10) + "x" * (n % 10)


async def obey(socket, order):
    what, _, rest = order.partition(" ")
    if what == "fragments":
        p = text(int(rest))
        await socket.send([p[: len(p) // 3], p[len(p) // 3 : len(p) * 2 // 3], p[len(p) * 2 // 3 :]])
    elif what == "ping":
        # Its pong is seen while somebody receives.
        pong = await socket.ping("are you there?")
        pong.add_done_callback(lambda _: asyncio.ensure_future(socket.send("ponged")))
    elif what == "close":
        code, _, reason = rest.partition(" ")
        await socket.close(int(code), reason)


async def echo(socket):
    try:
        async for message in socket:
            if isinstance(message, str) and message.startswith("do: "):
                await obey(socket, message[4:])
            else:
                await socket.send(message)
    except websockets.ConnectionClosed:
        pass
    say(code=socket.close_code, reason=socket.close_reason)


async def main(deflate=None):
    server = await websockets.serve(
        echo,
        "127.0.0.1",
        0,
        compression=None,
        extensions=deflate and [ServerPerMessageDeflateFactory(**json.loads(deflate))],
        subprotocols=["chat.example"],
        max_size=4 << 20,
    )
    say(port=server.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main(*sys.argv[1:]))
