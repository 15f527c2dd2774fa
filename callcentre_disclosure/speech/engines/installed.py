"""What an extra of this package brings, and what to do where it was not installed."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any

from callcentre_disclosure.errors import EngineError


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'callcentre-disclosure[{extra}]'"


def version(distribution: str, extra: str) -> str:
    """The version of a distribution; raises ``EngineError`` where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError as missing:
        raise _not_installed(distribution, extra) from missing


def module(name: str, extra: str) -> Any:
    """A module, imported when it is first needed; raises ``EngineError`` where it cannot be."""
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise _not_installed((missing.name or name).replace("_", "-"), extra) from missing
    except (ImportError, OSError) as problem:
        raise EngineError(
            f"{name} is installed but cannot be loaded: {problem}", remedy=install(extra)
        ) from problem


def _not_installed(distribution: str, extra: str) -> EngineError:
    return EngineError(f"{distribution} is not installed", remedy=install(extra))
