"""The client's story, as in story_test.go, with Debian's python3-websockets at a server of ours.

    python3 client.py URL [PERMESSAGE-DEFLATE]

PERMESSAGE-DEFLATE is as JSON what ClientPerMessageDeflateFactory takes; without, nothing is compressed. It says what was
agreed on, as JSON, when all went well.
"""

import asyncio
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20]
FRAGMENTED = 300_000


def text(n):
    return "aé€🚀" * (n // 10) + "x" * (n % 10)


def binary(n):
    x, p = n | 1, bytearray(n)
    for i in range(n):
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        p[i] = x & 0xFF
    return bytes(p)


def thirds(p):
    a, b = len(p) // 3 + 1, len(p) * 2 // 3
    return [p[:a], p[a:b], p[b:]]


def same(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: another {type(got).__name__} of {len(got)} came back")


async def main(url, deflate=None):
    options = {
        "compression": None,
        "extensions": deflate and [ClientPerMessageDeflateFactory(**json.loads(deflate))],
        "subprotocols": ["nobody.example", "chat.example"],
        "max_size": 4 << 20,
    }
    socket = await websockets.connect(url, **options)
    same("the subprotocol", socket.subprotocol, "chat.example")
    for n in SIZES:
        for message in text(n), binary(n):
            await socket.send(message)
            same(f"a message of {n} bytes", await socket.recv(), message)
    for message in text(FRAGMENTED), binary(FRAGMENTED):
        await socket.send(thirds(message))
        same("a message in fragments", await socket.recv(), message)
    await socket.send(f"do: fragments {FRAGMENTED}")
    same("the server's fragments", await socket.recv(), text(FRAGMENTED))
    await asyncio.wait_for(await socket.ping("are you there?"), 30)
    await socket.send("do: ping")
    same("after the server's ping", await socket.recv(), "ponged")
    await socket.send("do: close 4001 see you ✓")
    try:
        got = await socket.recv()
        raise AssertionError(f"a message and not the end: {got[:100]}")
    except websockets.ConnectionClosed as end:
        same("the server's close", (end.rcvd.code, end.rcvd.reason), (4001, "see you ✓"))

    second = await websockets.connect(url, **options)
    await second.close(3999, "enough ✓")
    same("the answer to our close", second.close_code, 3999)
    print(json.dumps({"extensions": socket.response_headers.get("Sec-WebSocket-Extensions", "")}))


asyncio.run(main(*sys.argv[1:]))
