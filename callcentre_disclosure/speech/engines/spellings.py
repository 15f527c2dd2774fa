"""Countries that an engine reads wrongly, spelt so that it reads them right.

eSpeak NG's French dictionary takes "Danemark" and "Éthiopie" for English words. Every country of
prompts/texts was read as phonemes (1.52, as espeakng-loader 0.2.4 has it); what is not here is
right, or near enough to be understood. Kokoro reads by the same dictionaries. What Pico
slurs was found by having Whisper listen to it through a telephone (docs/intelligibility.md).
"""

from __future__ import annotations

from collections.abc import Mapping

ESPEAK_NG: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "Åland": "Olande",
        "Barthélemy": "Bartélémi",
        "Brunei": "Brunéï",
        "Cook": "Couque",
        "Danemark": "Danemarque",
        "Éthiopie": "Étiopie",
        "Groenland": "Groënlande",
        "Marshall": "Marchal",
        "Nauru": "Naourou",
        "Norfolk": "Norfolque",
    },
    "it": {
        "Cook": "Cuk",
        "Curaçao": "Curasao",
        "Kazakistan": "Kasachistan",
        "Kirghizistan": "Kirghisistan",
    },
    "es": {"Cook": "Cuk"},
    "en": {"Maldives": "Maldeeves"},
}

PICO: Mapping[str, Mapping[str, str]] = {"fr": {"Suisse": "Suïsse"}}
