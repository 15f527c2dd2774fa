"""``HOST:PORT``, and a socket that listens there."""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import click

from callcentre_disclosure.asterisk.fastagi import BACKLOG

_FIRST = {
    errno.EADDRNOTAVAIL: "give this machine that address",
    errno.EACCES: "let this user have ports below 1024",
    socket.EAI_NONAME: "see that the name can be resolved",
}


def parse(text: str) -> tuple[str, int]:
    """An IPv6 address is written in brackets. Raises ``BadParameter``."""
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter("write HOST:PORT, such as 127.0.0.1:4573")
    return host.strip("[]"), int(port)


def network(text: str) -> IPv4Network | IPv6Network:
    """An address, or a network in the notation of CIDR. Raises ``BadParameter``."""
    try:
        return ip_network(text)
    except ValueError as problem:
        raise click.BadParameter(f"write an address or a network: {problem}") from problem


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(address: tuple[str, int], remedy: str) -> socket.socket:
    """A socket that listens; ``remedy`` says how to name another address."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as problem:
        why = str(problem.strerror).partition(" (while ")[0]
        first = _FIRST.get(problem.errno or 0, "see which program uses that port")
        raise click.ClickException(
            f"cannot listen on {address[0]}:{address[1]}: {why}; {first}, or {remedy}"
        ) from problem
