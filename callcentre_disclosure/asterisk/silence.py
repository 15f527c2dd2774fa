"""How long callers wait for us in silence."""

from __future__ import annotations


class Silence:
    """How long a caller hears nothing because of us, in seconds; times are of one clock.

    ``before`` is the time until the first sound was asked for, from when the call came to us or,
    where we answered it, from then; None where nothing was heard of any.
    """

    __slots__ = ("_since", "before")

    def __init__(self, now: float) -> None:
        self.before: float | None = None
        self._since = now

    def answered(self, now: float) -> None:
        """From now on the caller hears what is played."""
        if self.before is None:
            self._since = now

    def broken(self, began: float, ended: float) -> None:
        """Something was heard."""
        if self.before is None:
            self.before = began - self._since
        self._since = ended

    def after(self, now: float) -> float | None:
        """The time since the last sound, None where none was heard."""
        return None if self.before is None else now - self._since
