"""Structured logs: one JSON object a line, to standard error (standard output is Asterisk's)."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
            "level": record.levelname.lower(),
            "where": record.name.removeprefix("callcentre_disclosure."),
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def to_stderr() -> None:
    """Send the logs of this process to standard error, from ``info`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
