from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.evidence.reconcile.people import People

CONFIGURATION = """\
languages: [fr]
domestic_country: FR
numbering: {country_code: "33", trunk_prefix: "0"}
evidence: {file: evidence.sqlite}
sites:
  casablanca: {country: MA}
  tunis: {country: TN}
  lyon: {country: FR}
agents:
  PJSIP/2??: {site: casablanca}
  PJSIP/3??: {site: tunis}
  PJSIP/401: {site: lyon}
  Local/501@from-queue/n: {site: tunis}
  Yasmine Trabelsi: {site: tunis}
trunks:
  PJSIP/partner: {sites: [casablanca]}
queues:
  support: {sites: [casablanca, tunis]}
profiles:
  abroad: {announce_domestic: false}
  nothing: {stages: []}
  before: {stages: [possible]}
  once: {again: never}
  received: {directions: [inbound]}
routes:
  support: {numbers: ["0184880001"], queue: support}
  silent: {numbers: ["0184880002"], queue: support, profile: nothing}
  abroad: {numbers: ["0184880003"], queue: support, profile: abroad}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def people(config: Path) -> People:
    return People(load(config))
