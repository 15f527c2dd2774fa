"""The shortest ARI application that does what ours does: ``python -m benchmarks.shortest``.

It answers to whoever comes in with the endpoint that is to be called and the sound that is to be
played: ``Stasis(<application>,<endpoint>,<sound>)``. No configuration, no evidence, no hangups, no
reconnection: what is left is what Asterisk itself needs. The agent waits in the bridge while the
sound is played, and the caller joins them there, which is the quickest order.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import os
from typing import Any

import aiohttp


async def serve(url: str, user: str, password: str, application: str, over_websocket: bool) -> None:
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}) as session,
        session.ws_connect(f"{url}/ari/events?app={application}") as socket,
    ):
        print("connected", flush=True)
        numbers = map(str, itertools.count())

        async def ask(method: str, uri: str, **query: str) -> None:
            if over_websocket:
                strings = [{"name": name, "value": value} for name, value in query.items()]
                request = {
                    "type": "RESTRequest",
                    "request_id": next(numbers),
                    "transaction_id": "",
                    "method": method,
                    "uri": uri,
                    "query_strings": strings,
                }
                await socket.send_str(json.dumps(request))
            else:
                async with session.request(method, f"{url}/ari/{uri}", params=query) as answer:
                    await answer.read()

        sounds: dict[str, str] = {}

        async def heed(event: dict[str, Any]) -> None:
            match event["type"], event.get("args"):
                case "StasisStart", ["leg", caller]:
                    await ask("POST", f"channels/{caller}/play/p-{caller}", media=sounds[caller])
                    await ask("POST", f"bridges/b-{caller}", type="mixing")
                    await ask("POST", f"bridges/b-{caller}/addChannel", channel=f"leg-{caller}")
                case "StasisStart", [endpoint, sound]:
                    caller = event["channel"]["id"]
                    sounds[caller] = f"sound:{sound}"
                    await ask(
                        "POST",
                        f"channels/leg-{caller}",
                        endpoint=endpoint,
                        app=application,
                        appArgs=f"leg,{caller}",
                        originator=caller,
                    )
                case "PlaybackFinished", _:
                    caller = event["playback"]["id"].removeprefix("p-")
                    await ask("POST", f"bridges/b-{caller}/addChannel", channel=caller)
                case "StasisEnd", _ if (caller := event["channel"]["id"]) in sounds:
                    del sounds[caller]
                    await ask("DELETE", f"channels/leg-{caller}")
                    await ask("DELETE", f"bridges/b-{caller}")

        tasks = set()
        async for message in socket:
            event = json.loads(message.data)
            if event["type"] != "RESTResponse":
                task = asyncio.create_task(heed(event))
                tasks.add(task)
                task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The password is in $ARI_PASSWORD.")
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("application")
    parser.add_argument("--over-websocket", action="store_true")
    given = parser.parse_args()
    asyncio.run(
        serve(
            given.url,
            given.user,
            os.environ["ARI_PASSWORD"],
            given.application,
            given.over_websocket,
        )
    )
