"""Where the configuration is, where nobody says, and where calls find what was made of it.

An AGI script asks this before it does anything, so nothing is imported here that Python has not.
"""

# ruff: noqa: PTH111, PTH118
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CONFIGURATION = "/etc/callcentre-disclosure/config.yaml"


def configuration_path() -> str:
    """The configuration that is used where none is named."""
    return os.environ.get("CALLCENTRE_DISCLOSURE_CONFIG", DEFAULT_CONFIGURATION)


def cache_folders(environment: "Mapping[str, str]") -> tuple[str, ...]:
    """Where compiled configurations are kept, the first choice first."""
    if chosen := environment.get("CALLCENTRE_DISCLOSURE_CACHE"):
        return (chosen,)
    own = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return ("/var/cache/callcentre-disclosure", os.path.join(own, "callcentre-disclosure"))
