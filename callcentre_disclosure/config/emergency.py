"""What is left of the product when there is no usable configuration at all."""

from __future__ import annotations

from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.route import FailurePolicy, Route

from .compiled import Compiled
from .directory import manifest_sounds
from .model import EvidenceEntry
from .place import LedgerPlace
from .shipped import shipped
from .wordings import available_languages, wording


def emergency() -> Compiled:
    """A directory that knows no site: every call hears the sentence that names no country, in the
    language of its channel, and goes on."""
    sounds = manifest_sounds(shipped("prompts") / "sounds")
    spoken = {name.partition("/")[0] for name in sounds}
    languages = tuple(language for language in available_languages() if language in spoken)
    languages = languages or available_languages()
    directory = Directory(
        sites={},
        agents={},
        agent_patterns=(),
        queues={},
        trunks={},
        numbers={},
        routes={},
        profiles={},
        default_route=Route("no usable configuration", FailurePolicy.GENERIC),
        languages=languages,
        wordings={language: wording(language) for language in languages},
        sounds=sounds,
    )
    own = EvidenceEntry()
    return Compiled(directory, LedgerPlace(str(own.file), str(own.keys)))
