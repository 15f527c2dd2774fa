"""Web servers on this machine that answer what a test tells them to."""

from __future__ import annotations

import base64
import io
import json
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import soundfile

CERTIFICATE = Path(__file__).with_name("self-signed.pem")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeWeb:
    """Gives its ``answers`` in their order, the last one again and again; keeps what was asked."""

    address: str
    answers: list[Answer]
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    def answer(self, path: str, body: bytes) -> Answer:
        self.asked.append((path, body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def fake_web(answers: Sequence[Answer], tls: bool = False) -> Iterator[FakeWeb]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = web.answer(self.path, body)
            self.send_response(answer.status)
            headers = {"Content-Length": str(len(answer.body)), **answer.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.handle_error = lambda *_: None  # type: ignore[method-assign]
        scheme = "https" if tls else "http"
        web = FakeWeb(f"{scheme}://127.0.0.1:{server.server_port}", list(answers))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


def mp3(seconds: float = 0.5, loudness: float = 0.3) -> bytes:
    file = io.BytesIO()
    time = np.arange(round(24000 * seconds)) / 24000
    soundfile.write(file, loudness * np.sin(2 * np.pi * 440 * time), 24000, format="MP3")
    return file.getvalue()


def spoken(sound: bytes) -> Answer:
    """What Google answers: lines, one of them JSON that holds JSON, with ``=`` escaped."""
    inner = json.dumps([base64.b64encode(sound).decode()]).replace("=", "\\u003d")
    rpc = [["wrb.fr", "jQ1olc", inner, None, None, None, "generic"]]
    line = json.dumps(rpc, separators=(",", ":"))
    return Answer(200, f")]}}'\n\n{len(line)}\n{line}\n25\n[['e',4,null,null,1]]\n".encode())


def sentences_of(web: FakeWeb) -> list[tuple[str, str]]:
    """The text and the language of each request that gTTS wrote."""
    rpcs = [json.loads(parse_qs(body.decode())["f.req"][0]) for _, body in web.asked]
    said = [json.loads(rpc[0][0][1]) for rpc in rpcs]
    return [(text, language) for text, language, *_ in said]
