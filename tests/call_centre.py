"""A call centre on disk and its servers, for every test that starts real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from callcentre_disclosure import Disclosure
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.evidence.sqlite import SqliteStore

BIN = Path(sys.executable).parent


@dataclass
class CallCentre:
    """A configuration on disk with its sounds and its evidence."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CALLCENTRE_DISCLOSURE_CONFIG": str(self.path),
            "CALLCENTRE_DISCLOSURE_CACHE": str(self.folder / "cache"),
            "CALLCENTRE_DISCLOSURE_STATE": str(self.folder),
        }

    def prompts(self) -> list[Prompt]:
        """The sounds that exist; those of the package are not what these tests play."""
        own = str(self.folder)
        found = Disclosure.from_file(self.path).prompts()
        return [prompt for prompt in found if prompt.sound.path.startswith(own)]

    def evidence(self) -> list[dict[str, Any]]:
        """The documents of the disclosures so far, in their order."""
        ledger = SqliteStore(self.folder / "evidence.sqlite")
        try:
            rows = ledger.read("SELECT document FROM entries ORDER BY sequence")
            return [json.loads(document) for (document,) in rows]
        finally:
            ledger.close()


class Process:
    """One of our commands, running; its log is read line by line."""

    def __init__(self, centre: CallCentre, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [BIN / "callcentre-disclosure", *arguments],
            env=centre.environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._serving: set[int] = set()
        self._log: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, message: str) -> str:
        """Read the log up to a line that holds ``message``; returns that line."""
        read = [""]
        try:
            while message not in read[-1]:
                read.append(self._log.get(timeout=20))
        except Empty:
            raise AssertionError(f"the server does not say {message!r}: {read}") from None
        return read[-1]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._said(line)

    def _said(self, line: str) -> None:
        if " serves" in line:
            self._serving.add(json.loads(line)["process"])
        self._log.put(line)

    def workers(self) -> list[int]:
        """The process ids of the workers that serve, or did and are still there."""
        return [pid for pid in self._children() if pid in self._serving]

    def beside(self) -> list[int]:
        """Those of the other processes of the server."""
        return [pid for pid in self._children() if pid not in self._serving]

    def _children(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self) -> None:
        """Drain and end."""
        self.process.send_signal(signal.SIGTERM)
        self.has_ended()

    def has_ended(self) -> None:
        """Wait until it has, by itself or since it was told to."""
        assert self.process.wait(20) == 0
        self.hang_up_the_log()

    def hang_up_the_log(self) -> None:
        """Let go of a server that has ended."""
        self._reader.join(20)
        assert self.process.stderr is not None
        self.process.stderr.close()


class Server(Process):
    """A FastAGI server in processes of its own."""

    def __init__(self, centre: CallCentre, workers: int = 1, *options: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        listen = f"--listen=127.0.0.1:{self.port}"
        super().__init__(centre, "fastagi", listen, f"--workers={workers}", *options)
        for _ in range(workers):
            self.wait_for(" serves")


class AriHandler(Process):
    """The ARI event handler in a process of its own, connected to ``asterisks`` Asterisks."""

    def __init__(self, centre: CallCentre, asterisks: int = 1, *options: str) -> None:
        super().__init__(centre, "ari", *options)
        self.wait_for(" serves")
        for _ in range(asterisks):
            self.wait_for(": connected")
