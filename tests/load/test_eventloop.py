from __future__ import annotations

import asyncio
import socket

from chaoskit.load.eventloop import SOCKETS_PER_TURN, new_event_loop


def test_a_timer_comes_before_the_rest_of_a_crowd() -> None:
    """When many sockets are readable at once, a timer that is due waits for only a few of them."""
    order: list[str] = []

    async def go() -> None:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(200)]

        def read(receiver: socket.socket) -> None:
            receiver.recv(1)
            order.append("read")

        for sender, receiver in pairs:
            loop.add_reader(receiver, read, receiver)
            sender.send(b"x")
        loop.call_at(loop.time(), order.append, "timer")
        while len(order) < 201:  # noqa: ASYNC110 - one turn of the loop at a time
            await asyncio.sleep(0)
        for sender, receiver in pairs:
            loop.remove_reader(receiver)
            sender.close()
            receiver.close()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(go())
    assert order.index("timer") <= SOCKETS_PER_TURN
    assert order.count("read") == 200


def test_it_is_an_event_loop_like_any_other() -> None:
    """Sleeping, threads and connections work."""

    async def go() -> bytes:
        greeted = asyncio.Event()

        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()
            await writer.wait_closed()
            greeted.set()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        greeting = await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        server.close()
        await greeted.wait()
        await asyncio.sleep(0.001)
        await asyncio.to_thread(lambda: None)
        return greeting

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(go()) == b"hello"
