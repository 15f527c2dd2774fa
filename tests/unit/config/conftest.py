"""A folder in which a test writes its configuration, with a few words of French beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import ConfigurationError

FRENCH = """\
language: fr
conjunction: ou
inbound:
  company: "Chez {company}."
  possible: "Appel traité {places}, merci."
  answered: "Conseiller {places} en ligne."
  domestic: "Appel pris {places}, merci."
  generic: "Appel traité ailleurs."
outbound:
  company: "Ici {company}."
  possible: "Appel venu {origins}, merci."
  answered: "Conseiller {origins} en ligne."
  domestic: "Appel fait {places}, merci."
  generic: "Appel venu d'ailleurs."
choice: "Pour un conseiller {places}, tapez {key}."
refused: "Appel impossible."
segments: {recording: "Appel enregistré."}
regions:
  EU: {place: dans l'Union, origin: de l'Union}
countries:
  MA: {place: au Maroc, origin: du Maroc}
  TN: {place: en Tunisie, origin: de Tunisie}
  FR: {place: en France, origin: de France}
  MG: {place: à Madagascar, origin: de Madagascar}
  NO: {place: en Norvège, origin: de Norvège}
"""

#: Enough of a configuration, for tests that are about something else.
BASE = """\
languages: [fr]
texts: {folder: texts}
sounds: {folder: sounds}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file (``config.yaml``) and says where it is."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "fr.yaml").write_text(FRENCH, encoding="utf-8")

    def write(text: str | bytes, name: str = "config.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return path

    return write


def findings(path: Path) -> list[str]:
    """What is wrong with a configuration, with file names instead of paths."""
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    return [str(finding).replace(f"{path.parent}/", "") for finding in caught.value.findings]
