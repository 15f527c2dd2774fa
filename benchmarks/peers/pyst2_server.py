"""The two commands of an announcement and nothing else, with pyst2, forking.

Its own FastAGI module does not run on Python 3, and its ``AGI`` reads replies from standard input
whatever it was given: a process a call, with the socket in the place of that.
"""

import os
import socketserver
import sys

from asterisk.agi import AGI


class Call(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        for descriptor in (0, 1):
            os.dup2(self.request.fileno(), descriptor)
        agi = AGI(stderr=open(os.devnull, "w"))  # noqa: PTH123, SIM115
        agi.stream_file("x")
        agi.set_variable("X", "1")


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 1024


Server(("127.0.0.1", int(sys.argv[1])), Call).serve_forever()
