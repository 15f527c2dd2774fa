"""Servers of others that carry out the two commands of an announcement, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: What belongs to them is installed beside our own environment.
FOLDER = Path(sys.prefix) / "peers"
PYTHON = FOLDER / "bin/python"


def prepare() -> dict[str, list[str]]:
    """Install them where that is not done; their commands by name, to which a port is added."""
    ready = FOLDER / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        wanted = HERE / "requirements.txt"
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        ready.touch()
    commands = {
        "panoramisk + uvloop": [str(PYTHON), str(HERE / "panoramisk_server.py")],
        "pyst2": [str(PYTHON), str(HERE / "pyst2_server.py")],
    }
    if node := shutil.which("node"):
        if not (FOLDER / "node_modules").exists():
            shutil.copy(HERE / "package.json", FOLDER)
            subprocess.run(["npm", "install", "--silent", "--prefix", FOLDER], check=True)
        shutil.copy(HERE / "ding_dong.js", FOLDER)
        commands["ding-dong (Node)"] = [node, str(FOLDER / "ding_dong.js")]
    else:
        print("!!! NO NODE.JS ON THIS MACHINE: ding-dong IS NOT MEASURED !!!", file=sys.stderr)
    return commands
