"""Where the texts, sounds, example and documentation that come with this package are found."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """``prompts``, ``docs`` or ``config.example.yaml``: inside an installed wheel, or beside the
    package in a checkout."""
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / name
