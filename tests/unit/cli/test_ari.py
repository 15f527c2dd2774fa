"""What keeps the ARI event handler from starting, and what it says then."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.command_line import run

FIRST_LINES = "languages: [fr]\nsites: {lyon: {country: FR}}\nevidence: {file: evidence.sqlite}\n"


def refused(folder: Path, ari: str) -> str:
    """What the command says on standard error; it ends with 2."""
    config = folder / "config.yaml"
    config.write_text(FIRST_LINES + ari)
    done = run("ari", "--config", str(config))
    assert done.exit_code == 2
    return done.stderr


def secret(file: Path) -> None:
    file.touch(0o600)
    file.write_text("hunter2\n")


def test_without_any_asterisk(tmp_path: Path) -> None:
    said = refused(tmp_path, "")
    assert "config.yaml: there are no Asterisks to work for; name them under `ari:`" in said


def test_without_a_password(tmp_path: Path) -> None:
    said = refused(tmp_path, "ari: {asterisks: {pbx: {url: 'http://h:8088', password_file: p}}}\n")
    assert f"{tmp_path}/p: the password of pbx cannot be read: No such file" in said


@pytest.mark.parametrize("file", ["p", "cert.pem"])
def test_a_secret_that_everybody_may_read(tmp_path: Path, file: str) -> None:
    for each in ("p", "cert.pem"):
        secret(tmp_path / each)
    (tmp_path / file).chmod(0o604)
    said = refused(
        tmp_path,
        "ari: {asterisks: {pbx: {password_file: p}}, listen: '127.0.0.1:0', "
        "certificate: cert.pem}\n",
    )
    assert "everybody on this machine may read" in said
    assert f"chmod 600 {tmp_path}/{file}" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("key", ["certificate", "authority"])
def test_a_certificate_that_is_none(tmp_path: Path, key: str) -> None:
    for each in ("p", "cert.pem"):
        secret(tmp_path / each)
    said = refused(
        tmp_path,
        "ari: {asterisks: {pbx: {password_file: p}}, listen: '127.0.0.1:0', "
        f"{key}: cert.pem}}\n",
    )
    assert f"{tmp_path}/cert.pem: this certificate cannot be used" in said


def test_an_asterisk_that_cannot_reach_us(tmp_path: Path) -> None:
    said = refused(tmp_path, "ari: {asterisks: {pbx: {password_file: p}}}\n")
    assert "config.yaml:4: ari: pbx is to connect to us, but nothing listens" in said


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    secret(tmp_path / "p")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = tmp_path / "config.yaml"
        config.write_text(
            FIRST_LINES
            + f"ari: {{listen: '127.0.0.1:{port}', asterisks: {{pbx: {{password_file: p}}}}}}\n"
        )
        done = run("ari", "--config", str(config))
    assert done.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
