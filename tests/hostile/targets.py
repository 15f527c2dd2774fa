"""The targets: each takes any bytes, and fails where we do not stand them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from . import calls, files

CORPUS = Path(__file__).parent / "corpus"
#: The longest input, in bytes.
LONGEST = 1024

TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "agi_codec": calls.agi_codec,
    "agi_environment": calls.agi_environment,
    "agi_session": calls.agi_session,
    "asked": calls.asked,
    "ari_message": calls.ari_message,
    "ari_events": calls.ari_events,
    "yaml_tree": files.yaml_tree,
    "configuration": files.configuration,
    "agent_file": files.agent_file,
    "records": files.records,
}
