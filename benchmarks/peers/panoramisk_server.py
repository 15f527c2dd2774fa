"""The two commands of an announcement and nothing else, with panoramisk on uvloop."""

import asyncio
import sys

import uvloop  # type: ignore[import-not-found]
from panoramisk.fast_agi import Application, Request  # type: ignore[import-not-found]


async def disclose(request: Request) -> None:
    await request.send_command('STREAM FILE "x" ""')
    await request.send_command('SET VARIABLE X "1"')


async def main() -> None:
    application = Application(loop=asyncio.get_running_loop())
    application.add_route("disclose", disclose)
    address = ("127.0.0.1", int(sys.argv[1]))
    server = await asyncio.start_server(application.handler, *address, backlog=1024)
    await server.serve_forever()


uvloop.run(main())
