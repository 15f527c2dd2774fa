"""From what is known of a call to its route, its language and the sites that may answer it.

The nearest fact wins. The agent who answered says it exactly; a site that the dialplan insists
on comes next, then the queue, the dialled number, the trunk, and what the configuration says of
every other call. What none of them tells stays UNRESOLVED and is handled by the route's failure
policy; it never becomes a country by default.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from .call import CallFacts, endpoint_of
from .directory import Directory
from .numbers import dialled
from .route import Route
from .sites import Agent, Basis, SiteResolution


def route_of(call: CallFacts, directory: Directory) -> Route:
    """The route of the dialled number, or the one that every other call takes."""
    listed = directory.routes.get(dialled(call.dialled_number)) if call.dialled_number else None
    return listed or directory.default_route


def language_of(call: CallFacts, route: Route, directory: Directory) -> str:
    """The language to speak: asked for by the dialplan, fixed by the route, set on the channel.

    One that the configuration does not list is passed over; ``fr-CA`` and ``fr_CA`` fall back to
    ``fr``. The first configured language is everybody's last.
    """
    for wanted in (call.language, route.language, call.channel_language):
        if wanted:
            tag = wanted.replace("_", "-")
            for candidate in (tag, tag.partition("-")[0]):
                if candidate in directory.languages:
                    return candidate
    return directory.languages[0]


def resolve(call: CallFacts, route: Route, directory: Directory) -> SiteResolution:
    """Find the sites of a call by the nearest fact that names one."""
    if call.agent and (agent := _agent(call.agent, directory)):
        return SiteResolution(Basis.AGENT, agent=agent)
    for basis, ids in (
        (Basis.SITE, (call.site,) if call.site else None),
        (Basis.QUEUE, directory.queues.get(call.queue) if call.queue else None),
        (Basis.DNID, route.sites if route is not directory.default_route else None),
        (Basis.TRUNK, directory.trunks.get(call.trunk) if call.trunk else None),
        (Basis.DEFAULT, directory.default_route.sites),
    ):
        sites = tuple(filter(None, map(directory.sites.get, ids or ())))
        if sites:
            return SiteResolution(basis, sites)
    return SiteResolution(Basis.UNRESOLVED)


def _agent(told: str, directory: Directory) -> Agent | None:
    """The agent of an interface (``PJSIP/201``) or of a channel (``PJSIP/201-0000001a``)."""
    names = dict.fromkeys((told, endpoint_of(told)))
    for interface in names:
        if exact := directory.agents.get(interface):
            return exact
    for interface in names:
        for pattern in directory.agent_patterns:  # the most specific first
            if fnmatchcase(interface, pattern.interface):
                return Agent(interface, pattern.country, pattern.site)
    return None
