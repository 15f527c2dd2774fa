"""From what is known of a call to its route, its language and the sites that may answer it.

The nearest fact wins. The agent who answered says it exactly; a site that the dialplan insists
on comes next, then the queue, the dialled number, the trunk, and what the configuration says of
every other call. What none of them tells stays UNRESOLVED and is handled by the route's failure
policy; it never becomes a country by default.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from .call import CallFacts, Direction, interface_of
from .directory import Directory
from .numbers import dialled
from .profile import Profile
from .route import Route
from .sites import Agent, Basis, SiteResolution


def route_of(call: CallFacts, directory: Directory) -> Route:
    """The route that the dialplan insists on, that of the company's number (dialled by who calls
    it, shown to who is called), or the one that every other call takes."""
    number = call.dialled_number if call.direction is Direction.INBOUND else call.caller_number
    listed = directory.numbers.get(dialled(number)) if number else None
    routes = (directory.routes.get(name) for name in (call.route, listed) if name)
    return next(filter(None, routes), directory.default_route)


def profile_of(call: CallFacts, route: Route, directory: Directory) -> Profile:
    """The rule that the dialplan insists on, or that of the route."""
    profiles = (directory.profiles.get(name) for name in (call.profile, route.profile) if name)
    return next(filter(None, profiles), Profile())


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
    if agent := _agent(call, directory):
        return SiteResolution(Basis.AGENT, agent=agent)
    trunk = directory.trunks.get(call.trunk) if call.trunk else None
    for basis, ids in (
        (Basis.SITE, (call.site,) if call.site else None),
        (Basis.QUEUE, directory.queues.get(call.queue) if call.queue else None),
        (Basis.DNID, route.sites if route is not directory.default_route else None),
        (Basis.TRUNK, trunk.sites if trunk else None),
        (Basis.DEFAULT, directory.default_route.sites),
    ):
        sites = tuple(filter(None, map(directory.sites.get, ids or ())))
        if sites:
            return SiteResolution(basis, sites)
    return SiteResolution(Basis.UNRESOLVED)


def _agent(call: CallFacts, directory: Directory) -> Agent | None:
    """The agent of an interface (``PJSIP/201``), of a channel (``PJSIP/201-0000001a``), or of the
    name that the queue knows."""
    names = [interface_of(call.agent)] if call.agent else []
    names += [call.member] if call.member else []
    for name in names:
        if exact := directory.agents.get(name):
            return exact
    for name in names:
        for pattern in directory.agent_patterns:  # the most specific first
            if fnmatchcase(name, pattern.interface):
                return Agent(name, pattern.country, pattern.site)
    return None
