"""The lines of extensions.conf that announce the calls of a configuration, road by road.

Everything that a route needs is written out, in contexts that begin with ``disclosure-``, so that
an administrator can read what will happen to a call. Where the FastAGI server is away the AGI
script takes its place, and where that is away, too, the dialplan itself does as the route's failure
policy says. DISCLOSURE_DISPOSITION tells whether somebody was there: it is emptied before each
announcement, and is not inherited.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from callcentre_disclosure.config.checks import numbering_of
from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.model import Configuration, ProfileEntry, Treatment
from callcentre_disclosure.disclosure.announcement import refused_announcement
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.decision import fallbacks, prompt_for
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.numbers import written_forms
from callcentre_disclosure.disclosure.route import FailurePolicy, Media
from callcentre_disclosure.disclosure.session import (
    ANSWERED_CONTEXT,
    CHOICE_CONTEXT,
    REFUSAL_CAUSE,
)
from callcentre_disclosure.errors import plain

#: Where the FastAGI server is, as ``HOST`` or ``HOST:PORT``.
SERVER = "127.0.0.1"
#: How long, in seconds, a caller waits in a queue, an agent's telephone rings, and an agent who
#: answered waits for the caller to be informed.
QUEUE_SECONDS, RING_SECONDS, INFORM_SECONDS = 300, 20, 120
#: Since this version ``Queue`` has no argument for a macro.
NO_MACRO_SINCE = 21


def dialplan(
    configuration: Configuration,
    asterisk: int = 22,
    server: str = SERVER,
    *,
    freepbx: bool = False,
) -> str:
    """The dialplan of a configuration for a major version of Asterisk, 16 or later.

    With ``freepbx`` it is for ``extensions_custom.conf``: the queues are those of FreePBX, and its
    inbound routes have the numbers.
    """
    return "\n".join(_Writer(configuration, asterisk, server, freepbx).contexts())


class _Writer:
    def __init__(
        self, configuration: Configuration, asterisk: int, server: str, freepbx: bool
    ) -> None:
        self._configuration = configuration
        self._directory: Directory = directory(configuration)
        self._asterisk = asterisk
        self._server = server
        self._freepbx = freepbx
        routes = {**configuration.routes, "default": configuration.default}
        self._routes: Mapping[str, Treatment] = {
            name: replace(route, dial=configuration.dial_of(route))
            for name, route in routes.items()
        }

    def contexts(self) -> Iterator[str]:
        """The contexts, each with a heading."""
        yield self._heading()
        connected = {n: route for n, route in self._routes.items() if route.queue or route.dial}
        if not self._freepbx:
            yield self._inbound(connected)
        for direction in Direction:
            yield self._calls(connected, direction)
            yield self._known_of(direction)
        if any(route.choice for route in self._routes.values()):
            yield self._choice()
        yield self._tell()
        yield self._agents()
        yield _ANSWERED
        yield _MEMBER
        yield _CALLED

    def _heading(self) -> str:
        kind = "FreePBX" if self._freepbx else "extensions.conf"
        how = _FREEPBX_HOW if self._freepbx else _PLAIN_HOW
        return f"""\
; Announced calls, for Asterisk {self._asterisk} ({kind}), as callcentre-disclosure wrote it from
; {plain(str(self._configuration.path))}
; When that changes, write this anew; your own lines belong into a file of their own.
{how}"""

    def _inbound(self, connected: Collection[str]) -> str:
        numbering = numbering_of(self._configuration.numbering)
        lines = ["; Calls received, by the number that was dialled", "[disclosure-inbound]"]
        for name, route in self._configuration.routes.items():
            if name not in connected:
                lines.append(f"; not {name}: it has neither a queue nor agents to dial")
                continue
            lines += [
                f"exten => {form},1,Goto(disclosure-calls-inbound,{name},1)"
                for number in route.numbers
                for form in written_forms(number, numbering)
            ]
        if "default" in connected:
            lines.append("exten => _[+0-9]!,1,Goto(disclosure-calls-inbound,default,1)")
        return "\n".join([*lines, ""])

    def _calls(self, routes: Mapping[str, Treatment], direction: Direction) -> str:
        """The routes of the calls received, or made, each an extension."""
        lines = [_CALLS_HEADING[direction], f"[disclosure-calls-{direction.value}]"]
        for name, route in routes.items():
            stages = self._stages(route, direction)
            lines += [
                f"; {_described(route)}",
                f"exten => {name},1,Gosub(disclosure-route-{direction.value},{name},1)",
            ]
            if route.media is Media.ANSWERED and direction is Direction.INBOUND:
                lines.append(" same => n,Answer()")
            if Stage.POSSIBLE in stages:
                lines.append(f" same => n,Gosub(disclosure-tell,s,1({_NUMBER[direction]}))")
            told = Stage.ANSWERED in stages
            lines += self._connect(route.queue, route.dial, told, route.on_failure)
        return "\n".join([*lines, f"exten => h,1,{_RELEASE_MEMBER}", ""])

    def _stages(self, route: Treatment, direction: Direction) -> tuple[Stage, ...]:
        """When a call is announced; a profile may ask for less than a dialplan could do."""
        rule = self._configuration.profiles.get(route.profile or "", ProfileEntry())
        if direction not in rule.directions:
            return ()
        return rule.stages

    def _known_of(self, direction: Direction) -> str:
        """What is known of every route, as subs."""
        lines = [_ROUTE_HEADING[direction], f"[disclosure-route-{direction.value}]"]
        for name, route in self._routes.items():
            lines.append(f"exten => {name},1,{self._known(name, route, direction)}")
            lines.append(" same => n,Return()")
        return "\n".join([*lines, ""])

    def _known(self, name: str, route: Treatment, direction: Direction) -> str:
        """What the lines that follow, and a transferred call, need to know of the route."""
        language = route.language or self._configuration.languages[0]
        words = self._configuration.wordings[language]
        instead = fallbacks(words, route.on_failure, direction, self._directory)
        prompts = [fallback.prompt for fallback in instead]
        if route.on_failure is FailurePolicy.REFUSE:
            prompts = [prompt_for(refused_announcement(words), self._directory)]
        prompt = next(filter(None, prompts), None)
        known = {
            "DISCLOSURE_ROUTE": name,
            "DISCLOSURE_DIRECTION": direction.value,
            "DISCLOSURE_ON_FAILURE": route.on_failure.value,
            "DISCLOSURE_SENTENCE": prompt.sound.path if prompt else "",
            "DISCLOSURE_SINCE": _SINCE,
        }
        return f"MSet({','.join(f'{key}={value}' for key, value in known.items())})"

    def _connect(
        self, queue: str | None, dial: Sequence[str], told: bool, policy: FailurePolicy
    ) -> Iterator[str]:
        """Who is called; ``told`` says whether the caller is told who answered. An agent who leaves
        before the connection sends the caller back to ``connect``."""
        yield f" same => n(connect),{_BACK}"
        if queue:
            yield f" same => n,MSet({_UNTOLD})"
        if queue and self._freepbx:
            if told:
                # FreePBX takes it through IF(), where only quotes keep a : and a ? together.
                yield f' same => n,Set(VQ_AGI="{self._hook(queue, policy)}")'
                yield " same => n,Set(VQ_GOSUB=disclosure-member)"
            yield f" same => n,Goto(ext-queues,{queue},1)"
            return
        if queue:
            yield f" same => n,{self._queue(queue, policy, told)}"
            if told:
                yield f" same => n,{_HAS_LEFT}"
                yield f" same => n,{_STILL_WAITS}"
                yield f" same => n,{_IS_TOLD}"
            yield ' same => n,GotoIf($["${QUEUESTATUS}" = "CONTINUE"]?over)'
        option = f",{_GO_ON_ANSWERED}" if told else ""
        for group in dial:
            yield f" same => n,Dial({group},{RING_SECONDS}{option})"
        if dial:
            yield ' same => n,GotoIf($["${DIALSTATUS}" = "ANSWER"]?over)'
        yield f" same => n,{_UNANSWERED}"
        yield " same => n(over),Hangup()"

    def _hook(self, queue: str, policy: FailurePolicy) -> str:
        """What ``Queue`` starts on the caller's channel once a member has answered.

        ``Queue`` itself connects where its hook fails. So where nobody may be connected then, the
        script is the hook, which needs no server; quotes keep its commas together.
        """
        if policy is FailurePolicy.REFUSE and not self._freepbx:
            return (
                f'"callcentre-disclosure-agi,stage=answered,queue={queue},'
                'route=${DISCLOSURE_ROUTE},direction=${DISCLOSURE_DIRECTION}"'
            )
        return (
            f"agi://{self._server}/disclose?stage=answered&queue={quote(queue, safe='')}"
            "&route=${DISCLOSURE_ROUTE}&direction=${DISCLOSURE_DIRECTION}"
        )

    def _queue(self, queue: str, policy: FailurePolicy, tells_who_answered: bool) -> str:
        if not tells_who_answered:
            return f"Queue({queue},r,,,{QUEUE_SECONDS})"
        macro = "" if self._asterisk >= NO_MACRO_SINCE else ","
        hook = self._hook(queue, policy)
        return f"Queue({queue},rc,,,{QUEUE_SECONDS},{hook},{macro}disclosure-member)"

    def _choice(self) -> str:
        lines = [
            "; Callers who chose another agent come here. Whoever waited longest goes first.",
            f"[{CHOICE_CONTEXT}]",
        ]
        choosing = [route for route in self._routes.values() if route.choice]
        for queue in dict.fromkeys(route.choice for route in choosing):
            routes = [route for route in choosing if route.choice == queue]
            told = any(
                Stage.ANSWERED in self._stages(route, direction)
                for route in routes
                for direction in Direction
            )
            policies = {route.on_failure for route in routes}
            refuse = FailurePolicy.REFUSE
            lines += [
                f"exten => {queue},1,{_RELEASE}",
                f" same => n,Set(DISCLOSURE_SINCE={_SINCE})",
                " same => n,Set(QUEUE_PRIO=$[1 + ${EPOCH} - ${DISCLOSURE_SINCE}])",
                *self._connect(
                    queue, (), told, refuse if refuse in policies else FailurePolicy.GENERIC
                ),
            ]
        return "\n".join([*lines, f"exten => h,1,{_RELEASE_MEMBER}", ""])

    def _tell(self) -> str:
        known = "route=${DISCLOSURE_ROUTE},direction=${DISCLOSURE_DIRECTION}"
        asked = f"{known},${{ARG1}},${{ARG2}},${{ARG3}}"
        return f"""\
; Tell the caller: by the server, else by the script, else as the route's on_failure says
[disclosure-tell]
exten => s,1,Set(DISCLOSURE_DISPOSITION=)
 same => n,AGI(agi://{self._server}/disclose,{asked})
 same => n,ExecIf($["${{DISCLOSURE_DISPOSITION}}" = ""]?AGI(callcentre-disclosure-agi,{asked}))
 same => n,GotoIf($["${{DISCLOSURE_DISPOSITION}}" != ""]?told)
 same => n,Log(ERROR,callcentre-disclosure is away: on_failure is ${{DISCLOSURE_ON_FAILURE}})
 same => n,MSet(__DISCLOSURE_STATUS=NOT_DISCLOSED,__DISCLOSURE_COUNTRIES=)
 same => n,GotoIf($["${{DISCLOSURE_ON_FAILURE}}" = "silent"]?told)
 same => n,Progress()
 same => n,Playback(${{DISCLOSURE_SENTENCE}},noanswer)
 same => n,ExecIf($["${{DISCLOSURE_ON_FAILURE}}" = "refuse"]?Hangup({REFUSAL_CAUSE}))
 same => n(told),{_REFUSED}
 same => n,Return()
exten => h,1,{_RELEASE}
"""

    def _agents(self) -> str:
        """Agents by extension, for transfers: a caller who was announced is told who answers now,
        everybody else is just connected."""
        interfaces: dict[str, str] = {}
        others = []
        for interface in self._configuration.agents:
            if found := _NUMBERED.fullmatch(interface):
                digits = found[2].replace("?", "X")
                extension = f"_{digits}" if "X" in digits else digits
                interfaces.setdefault(extension, f"{found[1]}/${{EXTEN}}")
            else:
                others.append(interface)
        lines = [
            f"exten => {extension},1,Gosub(disclosure-transfer,s,1({interface}))"
            for extension, interface in interfaces.items()
        ]
        lines += [
            f"; no extension for {interface}: write one in a context of your own"
            for interface in others
        ]
        return "\n".join([_TRANSFER_HEADING, *lines, "", _TRANSFER])


def _described(route: Treatment) -> str:
    where = f"the queue {route.queue}" if route.queue else ", then ".join(route.dial)
    return f"To {where}; rule: {route.profile or 'none named'}"


#: An agent who can be dialled: ``PJSIP/201``, or ``PJSIP/2??`` for the extension ``_2XX``.
_NUMBERED = re.compile(r"(\w+)/([0-9?]+)")

_PLAIN_HOW = """\
;
;     #include this file in extensions.conf, and let the calls of your trunks come here:
;         [from-trunk]
;         include => disclosure-inbound
;     and for transfers from one agent to another, in the context of your agents:
;         include => disclosure-agents
;     queues.conf: setinterfacevar=yes for each queue
"""

_FREEPBX_HOW = """\
;
;     /etc/asterisk/extensions_custom.conf; in the GUI, a Custom Destination for each route:
;         disclosure-calls-inbound,<route>,1
;     to which the Inbound Route of its numbers goes.
"""

_ROUTE_HEADING = {
    Direction.INBOUND: "; What the lines above and below need to know of each route",
    Direction.OUTBOUND: "; The same, for calls made",
}
_CALLS_HEADING = {
    Direction.INBOUND: "; Calls received, by route",
    Direction.OUTBOUND: (
        "; Calls made, by route: originate to this context, with the number that is called in the\n"
        "; variable DISCLOSURE_CONSUMER"
    ),
}
_NUMBER = {
    Direction.INBOUND: "stage=possible",
    Direction.OUTBOUND: "stage=possible,did=${FILTER(0-9+,${DISCLOSURE_CONSUMER})}",
}

_UNTOLD = "DISCLOSURE_DISPOSITION=,SHARED(DISCLOSURE_AGENT)=,__DISCLOSURE_CALLER=${CHANNEL(name)}"
#: When the call began, as far as is known here; where it goes back to when an agent has left.
_SINCE = '${IF($["${DISCLOSURE_SINCE}" = ""]?${EPOCH}:${DISCLOSURE_SINCE})}'
_BACK = "Set(DISCLOSURE_BACK=${CONTEXT},${EXTEN},connect)"
_MEMBER_CHANNEL = '${IF($["${SHARED(DISCLOSURE_AGENT)}" = ""]?-:${SHARED(DISCLOSURE_AGENT)})}'
_STILL_WAITS = (
    f'GotoIf($["${{DISCLOSURE_DISPOSITION}}${{CHANNEL_EXISTS({_MEMBER_CHANNEL})}}" = "1"]'
    f"?{ANSWERED_CONTEXT},handed-over,1)"
)
#: A server that ended before it could connect the two has left the agent where agents wait.
_IS_TOLD = (
    f'GotoIf($["${{DISCLOSURE_DISPOSITION}} ${{IMPORT({_MEMBER_CHANNEL},CONTEXT)}}"'
    f' = "BRIDGE {ANSWERED_CONTEXT}"]?{ANSWERED_CONTEXT},join,1)'
)
#: A server that ended before it could hang up has said that nobody is to be connected.
_REFUSED = f'ExecIf($["${{DISCLOSURE_DISPOSITION}}" = "HANG_UP"]?Hangup({REFUSAL_CAUSE}))'
#: Who is not answered goes where the administrator wants.
_PLACE = "disclosure-unanswered,${DISCLOSURE_ROUTE},1"
_UNANSWERED = f"GotoIf($[${{DIALPLAN_EXISTS({_PLACE})}}]?{_PLACE})"
_HAS_LEFT = 'GotoIf($["${DISCLOSURE_DISPOSITION}" = "CONTINUE_IN_DIALPLAN"]?connect)'
#: Options of ``Dial``: the caller goes on at s,1 and who has answered at s,2. Without ``r`` the
#: caller hears what a telephone sends before it is answered, and a packet of whoever answers.
_GO_ON_ANSWERED = f"rG({ANSWERED_CONTEXT}^s^1)"
_WAITING_TONE = "440/150,0/2000"
_RELEASE_MEMBER = (
    'ExecIf($["${SHARED(DISCLOSURE_AGENT)}" != ""]?SoftHangup(${SHARED(DISCLOSURE_AGENT)}))'
)
#: Who hangs up takes along whom they keep waiting. (An agent has no such variable, nor has the
#: surrogate on which ``Bridge`` runs the extension h when it takes the agent over.)
_RELEASE = 'ExecIf($["${DISCLOSURE_WAITING}" != ""]?SoftHangup(${DISCLOSURE_WAITING}))'

#: A caller who hangs up in the moment of the answer has not come to where that is noted.
_NOTE_WAITING = (
    'ExecIf($["${DISCLOSURE_WAITING}" = "" & "${DISCLOSURE_CONSULTING}" != "${CHANNEL(name)}"'
    ' & "${CHANNEL(channeltype)}" != "Surrogate"]?Set(DISCLOSURE_WAITING=${DIALEDPEERNAME}))'
)

#: What ``Bridge`` leaves of a channel that it takes over (``Surrogate/…``) runs the extension h,
#: too. Where that ends before Asterisk 22 has put it back into its list of channels, it stays there
#: for ever: one of a hundred calls that arrive at once. So it looks whether it is there.
_UNTIL_LISTED = (
    " same => n(look),Set(DISCLOSURE_LISTED=${DISCLOSURE_LISTED}.)\n"
    ' same => n,GotoIf($["${CHANNEL_EXISTS(${CHANNEL(name)})}" != "1"'
    " & ${LEN(${DISCLOSURE_LISTED})} < 1000]?look)"
)

_ANSWERED = f"""\
; Somebody has answered a Dial: the caller, whom it lets hear the ringing on, goes on at s,1 and the
; agent, who hears a tone, at s,2
[{ANSWERED_CONTEXT}]
exten => s,1,Goto(caller,1)
exten => s,2,PlayTones({_WAITING_TONE})
 same => n,Wait({INFORM_SECONDS})
exten => caller,1,StopPlayTones()
 same => n,GotoIf($["${{DISCLOSURE_CONSULTING}}" = "${{CHANNEL(name)}}"]?consult)
 same => n,Set(DISCLOSURE_WAITING=${{DIALEDPEERNAME}})
 same => n(tell),Gosub(disclosure-tell,s,1(stage=answered,agent=${{DISCLOSURE_WAITING}}))
 same => n(bridge),Bridge(${{DISCLOSURE_WAITING}})
 same => n,Set(DISCLOSURE_WAITING=)
 same => n,GotoIf($["${{BRIDGERESULT}}" = "NONEXISTENT"]?${{DISCLOSURE_BACK}})
 same => n,Hangup()
 same => n(consult),Bridge(${{DIALEDPEERNAME}},F(disclosure-waiting^s^1))
 same => n,Hangup()
exten => join,1,Set(DISCLOSURE_WAITING=${{SHARED(DISCLOSURE_AGENT)}})
 same => n,Set(SHARED(DISCLOSURE_AGENT)=)
 same => n,Goto(caller,bridge)
exten => handed-over,1,Set(DISCLOSURE_WAITING=${{SHARED(DISCLOSURE_AGENT)}})
 same => n,Set(SHARED(DISCLOSURE_AGENT)=)
 same => n,Goto(caller,tell)
exten => h,1,{_NOTE_WAITING}
 same => n,{_RELEASE}
{_UNTIL_LISTED}
"""

_MEMBER = """\
; A queue's member has answered: who it really is (somebody may have picked the call up). The
; announcement then lets the agent wait at disclosure-answered,s,2 and the caller join them there
[disclosure-member]
exten => s,1,Set(SHARED(DISCLOSURE_AGENT,${DISCLOSURE_CALLER})=${CHANNEL(name)})
 same => n,Return()
"""

_ABOUT_CONSUMER = "stage=answered,agent=${DISCLOSURE_AGENT},did=${FILTER(0-9+,${CALLERID(num)})}"

_CALLED = f"""\
; An agent calls a consumer, who is told before the two are connected:
;     Gosub(disclosure-call,s,1(PJSIP/${{EXTEN}}@trunk,ROUTE))
[disclosure-call]
exten => s,1,MSet(__DISCLOSURE_ROUTE=${{ARG2}},__DISCLOSURE_AGENT=${{CHANNEL(name)}})
 same => n,Dial(${{ARG1}},60,rG(disclosure-called^s^1))
 same => n,Hangup()

[disclosure-called]
exten => s,1,Goto(agent,1)
exten => s,2,Goto(consumer,1)
exten => agent,1,Progress()
 same => n,PlayTones({_WAITING_TONE})
 same => n,Wait({INFORM_SECONDS})
exten => consumer,1,Gosub(disclosure-route-outbound,${{DISCLOSURE_ROUTE}},1)
 same => n,Set(DISCLOSURE_WAITING=${{DISCLOSURE_AGENT}})
 same => n,Gosub(disclosure-tell,s,1({_ABOUT_CONSUMER}))
 same => n,Bridge(${{DISCLOSURE_AGENT}})
 same => n,Hangup()
exten => h,1,{_RELEASE}
 same => n,ExecIf($["${{CHANNEL(name)}}" = "${{DISCLOSURE_AGENT}}"]?SoftHangup(${{DIALEDPEERNAME}}))
{_UNTIL_LISTED}
"""

#: A telephone that hands over by itself, as soon as the colleague answers, is some milliseconds
#: ahead of the bridge; in a hangup handler nothing can wait, but it can look again. (What is hung
#: up has taken the caller's place then, with the caller's variables; without one, nobody comes.)
_JOINS_SOON = '"${DISCLOSURE_WAITING}" != "" & ${LEN(${DISCLOSURE_LOOKED})} < 1000'

_TRANSFER_HEADING = """\
; Agents by extension
[disclosure-agents]"""

_TRANSFER = f"""\
; A caller who was transferred is told. An agent who calls a colleague first is not; when that agent
; hands the caller over, the caller is told then, within milliseconds of the connection
[disclosure-transfer]
exten => s,1,GotoIf($["${{DISCLOSURE_ROUTE}}" != ""]?dial)
 same => n,Set(CHANNEL(hangup_handler_push)=disclosure-handed-over,s,1)
 same => n,Set(DISCLOSURE_CONSULTING=${{CHANNEL(name)}})
 same => n(dial),Dial(${{ARG1}},{RING_SECONDS},{_GO_ON_ANSWERED})
 same => n,Hangup()

[disclosure-handed-over]
exten => s,1,GotoIf($["${{DIALEDPEERNAME}}" = ""]?over)
 same => n(look),Set(DISCLOSURE_CALLER=${{IMPORT(${{DIALEDPEERNAME}},BRIDGEPEER)}})
 same => n,GotoIf($["${{DISCLOSURE_CALLER}}" != ""]?found)
 same => n,Set(DISCLOSURE_LOOKED=${{DISCLOSURE_LOOKED}}.)
 same => n,GotoIf($[{_JOINS_SOON}]?look:over)
 same => n(found),GotoIf($["${{IMPORT(${{DISCLOSURE_CALLER}},DISCLOSURE_ROUTE)}}" = ""]?over)
 same => n,Set(SHARED(DISCLOSURE_AGENT,${{DISCLOSURE_CALLER}})=${{DIALEDPEERNAME}})
 same => n,Set(SHARED(DISCLOSURE_CALLER,${{DIALEDPEERNAME}})=${{DISCLOSURE_CALLER}})
 same => n,ChannelRedirect(${{DISCLOSURE_CALLER}},{ANSWERED_CONTEXT},handed-over,1)
 same => n(over),Return()

[disclosure-waiting]
exten => s,1,GotoIf($["${{SHARED(DISCLOSURE_CALLER)}}" = ""]?over)
 same => n,PlayTones({_WAITING_TONE})
 same => n,Wait({INFORM_SECONDS})
 same => n(over),Hangup()
"""
