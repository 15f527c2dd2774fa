"""What keeps the FastAGI server from starting, and what it says then."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from callcentre_disclosure.asterisk.guard import SPARE_DESCRIPTORS, make_room
from callcentre_disclosure.config.shipped import shipped
from tests.command_line import run


@pytest.mark.parametrize("where", ["0.0.0.0:4573", "[::]:4573", "pbx.example.com:4573"])
def test_beyond_this_machine_it_is_said_who_may_connect(where: str) -> None:
    done = run("fastagi", "--listen", where)
    assert done.exit_code == 2
    assert "could speak for Asterisk: say with --allow" in done.stderr


@pytest.mark.parametrize("network", ["10.1.2.3/24", "10.1.2", "pbx.example.com"])
def test_a_network_is_written_as_one(network: str) -> None:
    done = run("fastagi", "--listen", "0.0.0.0:4573", "--allow", network)
    assert done.exit_code == 2
    assert "write an address or a network" in done.stderr


def test_where_it_cannot_listen_it_says_why_and_what_to_do() -> None:
    elsewhere = ("--listen", "192.0.2.1:4573", "--allow", "192.0.2.0/24")
    done = run("fastagi", "--config", shipped("config.example.yaml"), *elsewhere)
    assert done.exit_code == 1
    assert (
        "cannot listen on 192.0.2.1:4573: Cannot assign requested address; "
        "give this machine that address, or name another one with --listen"
    ) in done.stderr


@pytest.mark.parametrize(("soft", "hard", "calls"), [(256, 4096, 2000), (256, 512, 384)])
def test_a_server_takes_the_open_files_that_it_may_have(soft: int, hard: int, calls: int) -> None:
    code = (
        "import resource; from callcentre_disclosure.asterisk.guard import make_room;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
        "print(make_room(2000), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(calls), str(calls + SPARE_DESCRIPTORS)]


def test_a_limit_that_is_high_enough_stays() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert make_room(1) == 1
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
