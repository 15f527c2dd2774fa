"""The kinds of text that a configuration is written with."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from . import countries
from .hours import hours_complaint, timezone_complaint
from .shape import Kind

Complaint: TypeAlias = "tuple[str, str] | None"


def country_complaint(text: str) -> Complaint:
    """Whether a text is the code of a country, and which one was meant if it is not."""
    if text in countries.countries():
        return None
    meant = countries.nearest(text)
    remedy = (
        f"write {meant.alpha_2} for {meant.english}"
        if meant
        else ("write its ISO 3166-1 alpha-2 code, such as MA for Morocco")
    )
    return f"{text!r} is no country code", remedy


def number_complaint(text: str) -> Complaint:
    """A trunk prefix in brackets is not dialled after a country code."""
    if text.startswith("+") and "(0)" in text:
        return f"nobody dials the (0) of {text!r}", f"write {text.replace('(0)', '')!r}"
    return None


def unseen_complaint(text: str) -> Complaint:
    """Marks of direction, joiners and such: a name with one looks like another name."""
    if text.isprintable():
        return None
    return f"{text!r} does not fit", "write it without the characters that nobody sees"


def secret_complaint(text: str) -> Complaint:
    """A configuration is read by more people than may know a password, and so is a command line."""
    if "password=" in text or _PASSWORD.search(text):
        return "there is a password in it", "leave it out; of a database write ?passfile=FILE"
    return None


def url_complaint(text: str) -> Complaint:
    """Whether nobody can connect to it, whoever listens."""
    return secret_complaint(text) or (_host_complaint(text) if "//" in text else None)


def address_complaint(text: str) -> Complaint:
    """The same of ``HOST:PORT``."""
    return _host_complaint(f"//{text}")


def _host_complaint(url: str) -> Complaint:
    try:
        parts = urlsplit(url)
        host, _port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        host = b""
    if host:
        return None
    problem = f"{url.removeprefix('//')!r} has no host, or no port up to 65535"
    return problem, "write both as in host:8089, an IPv6 address in brackets"


_PASSWORD = re.compile(r"//[^\s/@]*:[^\s/@]*@")
_ID = r'[^\s\x00-\x1f\x7f-\x9f,;|"\\]+'
#: What goes into a dialplan, where these would begin an expression or end an argument.
_NAME = r'[^\s\x00-\x1f\x7f-\x9f,;|"\\$(){}\[\]]+'
_DIALLED = r'[^\s\x00-\x1f\x7f-\x9f,;|"\\$(){}]+'

Country: TypeAlias = Annotated[
    str,
    Kind(
        "country",
        "the ISO 3166-1 alpha-2 code of a country, such as MA",
        complaint=country_complaint,
        choices=countries.countries,
    ),
]
Language: TypeAlias = Annotated[
    str, Kind("language", "a BCP 47 language tag, such as fr", r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
]
SomeLanguage: TypeAlias = Annotated[
    str, Kind("some-language", "one of the configured languages", refers_to="languages")
]
Timezone: TypeAlias = Annotated[
    str,
    Kind(
        "timezone",
        "a time zone of the IANA database, such as Africa/Casablanca",
        complaint=timezone_complaint,
    ),
]
Hours: TypeAlias = Annotated[
    str,
    Kind(
        "hours",
        "days and times, such as 'mon-fri 08:00-12:00 13:30-18:00' or 'daily 22:00-06:00'",
        complaint=hours_complaint,
    ),
]
Number: TypeAlias = Annotated[
    str,
    Kind(
        "number",
        "a telephone number or extension, such as '+33 1 84 88 00 01'",
        r"\+?[0-9*#(][0-9*#() ./\-\u00a0\u202f]*",
        digits=True,
        complaint=number_complaint,
    ),
]
Digits: TypeAlias = Annotated[str, Kind("digits", "digits", r"[0-9]+", digits=True)]
SiteId: TypeAlias = Annotated[
    str, Kind("site-id", "the id of a site, without spaces", _NAME, complaint=unseen_complaint)
]
SomeSite: TypeAlias = Annotated[str, Kind("site", "the id of a site", refers_to="sites")]
QueueName: TypeAlias = Annotated[
    str,
    Kind(
        "queue-name",
        "a queue as queues.conf names it",
        _NAME,
        digits=True,
        complaint=unseen_complaint,
    ),
]
SomeQueue: TypeAlias = Annotated[
    str, Kind("queue", "the name of a queue", digits=True, refers_to="queues")
]
RouteId: TypeAlias = Annotated[
    str,
    Kind(
        "route-id",
        "letters and digits, with . _ or - after the first (and none of e, h, i, t and T alone, "
        "which have a meaning in a dialplan)",
        r"(?![ehitT]$)[^\W_][\w.-]*",
    ),
]
Interface: TypeAlias = Annotated[
    str,
    Kind(
        "interface",
        "an agent's interface as Asterisk names it, such as PJSIP/201, or the name that a queue "
        "knows; * and ? stand for any characters or one",
        rf"{_ID}( {_ID})*",
        complaint=unseen_complaint,
    ),
]
Dialled: TypeAlias = Annotated[
    str,
    Kind(
        "dialled",
        "interfaces that ring together, such as PJSIP/201&PJSIP/301",
        _DIALLED,
        complaint=unseen_complaint,
    ),
]
ProfileId: TypeAlias = Annotated[
    str, Kind("profile-id", "a name for a rule, such as our-charter", r"[a-z][a-z0-9-]*")
]
SomeProfile: TypeAlias = Annotated[
    str, Kind("some-profile", "the name of a profile", refers_to="profiles")
]
Key: TypeAlias = Annotated[
    str, Kind("key", "a digit of a telephone, 0 to 9", r"[0-9]", digits=True)
]
Endpoint: TypeAlias = Annotated[
    str,
    Kind(
        "endpoint", "a channel's endpoint, such as PJSIP/maroc-telecom", r"\w+/[^\s\x00-\x1f,;|]+"
    ),
]
SegmentId: TypeAlias = Annotated[
    str, Kind("segment-id", "a name for a sentence, such as tariff", r"[a-z][a-z0-9-]*")
]
SomeSegment: TypeAlias = Annotated[
    str, Kind("segment", "the name of an optional sentence", r"[a-z][a-z0-9-]*")
]
Sentence: TypeAlias = Annotated[
    str,
    Kind("sentence", "a sentence as it is to be said, without braces", r"[^\s{}]([^{}]*[^\s{}])?"),
]
EngineName: TypeAlias = Annotated[
    str, Kind("engine", "the name of a speech engine", r"[A-Za-z0-9][A-Za-z0-9._-]*")
]
AsteriskUrl: TypeAlias = Annotated[
    str,
    Kind(
        "asterisk-url",
        "its HTTP server, such as https://host:8089",
        r"https?://[^\s@?#]+",
        complaint=url_complaint,
    ),
]
PostgresqlUrl: TypeAlias = Annotated[
    str,
    Kind(
        "postgresql-url",
        "a database and its user, such as postgresql://disclosure@host/evidence, without a "
        "password (?passfile=FILE names a file that has it)",
        r"postgresql://([^\s:@/?#]+@)?[^\s@#]*",
        complaint=secret_complaint,
    ),
]
Address: TypeAlias = Annotated[
    str,
    Kind(
        "address",
        "HOST:PORT, such as 127.0.0.1:8765",
        r"(\[[^\s\]]+\]|[^\s:\[\]]+):\d{1,5}",
        complaint=address_complaint,
    ),
]
Word: TypeAlias = Annotated[
    str, Kind("word", "letters and digits, with . _ or - between them", r"\w([\w.-]*\w)?")
]
Url: TypeAlias = Annotated[
    str,
    Kind(
        "url",
        "where a web server has the sounds, such as https://host/sounds",
        r"https?://[^\s\"',;|?#]+",
        complaint=url_complaint,
    ),
]
