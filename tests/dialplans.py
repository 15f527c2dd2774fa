"""The dialplans that the documentation shows, for those who write their own; tests/integration
runs them on real Asterisks.

``server`` is the FastAGI server as ``HOST`` or ``HOST:PORT``. Where it is away, the AGI script
takes its place: DISCLOSURE_DISPOSITION is emptied first, because that of an earlier announcement
would look like an answer. A server that ended before it could hang up is obeyed. Where the ARI
event handler is away, the dialplan that `dialplan` writes takes its place.
"""

from __future__ import annotations

SERVER = "127.0.0.1"

#: All that an administrator writes who lets `dialplan` write the rest.
INCLUDED = """\
#include extensions_disclosure.conf

[from-trunk]
include => disclosure-inbound
"""


def _announced(server: str) -> str:
    return f"""\
 same => n,Set(DISCLOSURE_DISPOSITION=)
 same => n,AGI(agi://{server}/disclose)
 same => n,ExecIf($["${{DISCLOSURE_DISPOSITION}}" = ""]?AGI(callcentre-disclosure-agi))
 same => n,ExecIf($["${{DISCLOSURE_DISPOSITION}}" = "HANG_UP"]?Hangup(21))
"""


def announced_queue(queue: str, server: str = SERVER, context: str = "from-trunk") -> str:
    """Calls are told where they may be answered, wait in a queue, and are told where the agent is
    who answered, before the two are connected.

    The 6th argument of ``Queue`` is its AGI on Asterisk 16 to 22. A comma would end it (unless it
    is quoted), so parameters go into the query string; MEMBERINTERFACE needs
    ``setinterfacevar=yes``.
    """
    return f"""\
[{context}]
exten => _[+0-9].,1,Answer()
{_announced(server)}\
 same => n,Queue({queue},r,,,300,agi://{server}/disclose?stage=answered&queue={queue})
 same => n,Hangup()
"""


def announced_dial(interfaces: str, server: str = SERVER, context: str = "from-trunk") -> str:
    """Calls are told where they may be answered before anybody is dialled."""
    return f"""\
[{context}]
exten => _[+0-9].,1,Answer()
{_announced(server)}\
 same => n,Dial({interfaces},30)
 same => n,Hangup()
"""


def announced_answer(interfaces: str, server: str = SERVER, context: str = "from-trunk") -> str:
    """Somebody is dialled, and the caller is told where that agent is before the connection.

    ``G()`` sends the caller to priority 1 and the agent to priority 2, unconnected. The caller who
    hangs up meanwhile takes the waiting agent along.
    """
    return f"""\
[{context}]
exten => _[+0-9].,1,Answer()
 same => n,Dial({interfaces},30,rG(announced^s^1))
 same => n,Hangup()

[announced]
exten => s,1,Goto(caller,1)
exten => s,2,Wait(120)
exten => caller,1,StopPlayTones()
 same => n,Set(DISCLOSURE_DISPOSITION=)
 same => n,Set(AGENT=stage=answered,agent=${{DIALEDPEERNAME}})
 same => n,AGI(agi://{server}/disclose,${{AGENT}})
 same => n,ExecIf($["${{DISCLOSURE_DISPOSITION}}" = ""]?AGI(callcentre-disclosure-agi,${{AGENT}}))
 same => n,ExecIf($["${{DISCLOSURE_DISPOSITION}}" = "HANG_UP"]?Hangup(21))
 same => n,Bridge(${{DIALEDPEERNAME}})
 same => n,Hangup()
exten => h,1,ExecIf($["${{DIALEDPEERNAME}}" != ""]?SoftHangup(${{DIALEDPEERNAME}}))
"""


def held(numbers: str, context: str = "from-trunk") -> str:
    """Calls are announced and connected by the ARI event handler, to those whom the route names.

    DIALSTATUS is empty then where it has rung nobody: it is away, or the call is for a queue.
    """
    return f"""\
[{context}]
exten => {numbers},1,Set(DIALSTATUS=)
 same => n,Stasis(callcentre-disclosure,dial=route)
 same => n,GotoIf($["${{DIALSTATUS}}" = ""]?disclosure-inbound,${{EXTEN}},1)
 same => n,Goto(disclosure-unanswered,${{DISCLOSURE_ROUTE}},1)
"""


def held_transfers(agents: str, context: str = "from-agents") -> str:
    """Agents call each other, and transfer callers, by extensions that the handler holds."""
    return f"""\
[{context}]
exten => {agents},1,Set(DIALSTATUS=)
 same => n,Stasis(callcentre-disclosure,dial=PJSIP/${{EXTEN}},transfer=yes)
 same => n,GotoIf($["${{DIALSTATUS}}" = ""]?disclosure-agents,${{EXTEN}},1)
"""


def held_calls_made(numbers: str, interface: str, route: str, context: str = "from-agents") -> str:
    """An agent calls a consumer, whom the handler tells where the agent is."""
    return f"""\
[{context}]
exten => {numbers},1,Set(DIALSTATUS=)
 same => n,Stasis(callcentre-disclosure,call={interface},route={route})
 same => n,ExecIf($["${{DIALSTATUS}}" = ""]?Gosub(disclosure-call,s,1({interface},{route})))
"""
