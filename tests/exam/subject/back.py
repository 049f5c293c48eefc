"""The provider: it answers each line with the same line."""

import asyncio


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echo until the client hangs up."""
    try:
        while line := await reader.readline():
            writer.write(line)
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main() -> None:
    """Listen for ever."""
    server = await asyncio.start_server(serve, "0.0.0.0", 7000)
    await server.serve_forever()


asyncio.run(main())
