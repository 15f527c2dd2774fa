"""The process beside the workers that says how they are: ``/metrics`` and ``/healthz``."""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .board import Board, gauge
from .tally import Tally

#: How often this process tells that it is alive, in seconds.
_BEAT_SECONDS = 0.5
#: The ledger may take so many seconds to say how it is.
_LEDGER_SECONDS = 2.0
#: Whoever asks may take so many seconds to do so, and to take the answer.
_CLIENT_SECONDS = 5.0
_LONGEST_REPORT = 2**20

_log = logging.getLogger(__name__)


class Endpoint:
    """``serve`` is run by a process beside the workers, of which there are to be so many; each of
    them counts with ``tally``.

    ``trouble`` says why no evidence could be written now, if so; ``spool`` how many records wait
    to be forwarded, None where they are not. Both may block. ``changed`` names the files that have
    changed since they were read.
    """

    def __init__(
        self,
        listening: socket.socket,
        workers: int,
        *,
        trouble: Callable[[], str | None],
        spool: Callable[[], int | None],
        changed: Callable[[], Sequence[str]],
        reload: Callable[[], None],
    ) -> None:
        self.listening = listening
        self._reports, self._writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.tally = Tally(self._writing)
        self._board = Board(workers)
        self._ledger = _Slow(lambda: (trouble(), spool()))
        self._changed = changed
        self._reload = reload

    def serve(self, heartbeat: int) -> None:
        """Until nobody reads the heartbeat."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # others have calls in progress to end
        signal.signal(signal.SIGHUP, lambda *_: Thread(target=self._reload, daemon=True).start())
        server = _Server(self.listening, self)
        with selectors.DefaultSelector() as ready:
            ready.register(self.listening, selectors.EVENT_READ)
            ready.register(self._reports, selectors.EVENT_READ)
            while _alive(heartbeat):
                for key, _ in ready.select(_BEAT_SECONDS):
                    if key.fileobj is self.listening:
                        server.handle_request()
                    else:
                        self.heed(json.loads(self._reports.recv(_LONGEST_REPORT)))

    def heed(self, report: Mapping[str, Any]) -> None:
        """A worker has told how it is."""
        self._board.add(report, time.monotonic())

    def close(self) -> None:
        """Let go of the sockets."""
        self._reports.close()
        self._writing.close()

    def metrics(self, accepted: str) -> tuple[bytes, str]:
        """The page for Prometheus, and its type."""
        try:
            encode, content_type = choose_encoder(accepted)
        except (TypeError, ValueError):  # of a version that is none (prometheus-client 0.26)
            encode, content_type = choose_encoder("")
        return encode(_Page(self._metrics)), content_type

    def health(self) -> tuple[bool, bytes]:
        """Whether all is well, and the page that says why not."""
        now = time.monotonic()
        problems, _ = self._seen(now)
        workers = {"serving": self._board.serving(now), "expected": self._board.expected}
        page = {
            "healthy": not problems,
            "problems": problems,
            "workers": workers,
            "changed_since_read": self._changed(),
        }
        return not problems, json.dumps(page, ensure_ascii=False).encode() + b"\n"

    def _metrics(self) -> Iterator[Metric]:
        now = time.monotonic()
        problems, waiting = self._seen(now)
        yield gauge("healthy", "Whether /healthz says so.", not problems)
        if waiting is not None:
            yield gauge("spool_records", "Records that wait to be forwarded.", waiting)
        yield from self._board.metrics(now)

    def _seen(self, now: float) -> tuple[list[str], int | None]:
        """What is wrong, and how many records wait."""
        problems = []
        missing = self._board.expected - self._board.serving(now)
        if missing > 0:
            problems.append(f"{missing} of {self._board.expected} workers do not serve")
        for name, is_there in self._board.asterisks(now).items():
            if not is_there:
                problems.append(f"Asterisk {name} is not connected")
        try:
            trouble, waiting = self._ledger.answer(_LEDGER_SECONDS)
        except NoAnswer:
            trouble, waiting = f"the ledger does not answer within {_LEDGER_SECONDS} s", None
        except Exception as error:
            _log.exception("the ledger cannot be asked how it is")
            trouble, waiting = f"the ledger cannot be asked: {error}", None
        return [*problems, trouble] if trouble else problems, waiting


class _Slow:
    """Asks what may take long; not again while it has not answered."""

    def __init__(self, ask: Callable[[], tuple[str | None, int | None]]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._thread: ThreadPoolExecutor | None = None  # not before the process is there
        self._asked: Future[tuple[str | None, int | None]] | None = None

    def answer(self, seconds: float) -> tuple[str | None, int | None]:
        """Raises ``NoAnswer``."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._thread = self._thread or ThreadPoolExecutor(1, "ledger")
                self._asked = self._thread.submit(self._ask)
            asked = self._asked
        return asked.result(seconds)


class _Page(Collector):
    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        return self._collect()


class _Server(ThreadingHTTPServer):
    def __init__(self, listening: socket.socket, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        super().__init__(listening.getsockname(), _Request, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        listening.setblocking(False)

    def handle_error(self, *_: object) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # of a client that went away
            _log.exception("a request failed")


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_SECONDS
    server_version, sys_version = "callcentre-disclosure", ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            page, content_type = self.server.endpoint.metrics(self.headers.get("Accept", ""))
            self._answer(200, content_type, page)
        elif path == "/healthz":
            healthy, page = self.server.endpoint.health()
            self._answer(200 if healthy else 503, "application/json", page)
        else:
            self._answer(404, "text/plain", b"/metrics\n/healthz\n")

    def _answer(self, status: int, content_type: str, page: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Who asks is no news."""


def _alive(heartbeat: int) -> bool:
    try:
        os.write(heartbeat, b".")
    except BrokenPipeError:
        return False
    return True
