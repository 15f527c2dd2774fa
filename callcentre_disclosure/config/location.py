"""Where the configuration is, where nobody says."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_CONFIGURATION = Path("/etc/callcentre-disclosure/config.yaml")


def configuration_path() -> Path:
    """The configuration that is used where none is named."""
    return Path(os.environ.get("CALLCENTRE_DISCLOSURE_CONFIG", DEFAULT_CONFIGURATION))
