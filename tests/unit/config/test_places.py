"""Every country of the world, in both its forms, in the sentences of each language that is shipped.

Names are easy to look up and prepositions are not: what is checked here is what a speaker of the
language would hear at once ("en Maroc", "de le Maroc", "in Schweiz", "da Stati Uniti").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import astuple

import pytest

from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.config.wordings import available_languages, wording
from callcentre_disclosure.disclosure.announcement import Wording, announcement
from callcentre_disclosure.disclosure.call import Direction, Stage

LANGUAGES = ("de", "en", "es", "fr", "it")

#: How a place begins, and the countries that begin so; every other country takes ``PLAIN``.
BEGINNINGS = {
    "de": {
        "auf der ": "BV CX IM NF",
        "auf den ": "AX BM BS CC CK CV FK FO HM KM KY MH MP MV PH PN SB SC TC UM VG VI",
        "auf ": "AI AW BB BL CU CW CY DM FJ GD GG GL GP GS GU JE JM LC MF MG MQ MS MT MU NR NU "
        "PM RE SH SJ SX TK WF YT",
        "im ": "GB IO IQ IR LB OM SD SN SS TD VA XK YE",
        "in der ": "AQ CD CF CG CH CI DO EH MD MN SK TR UA",
        "in den ": "AE BQ NL PS TF US",
    },
    "en": {
        "on the ": "IM",
        "on ": "BV CX NF SH",
        "in the ": "AE AX BQ BS CC CD CF CG CK CZ DO FK FO GB GM HM IO KM KY MH MP MV NL PH PN PS "
        "SB SC TC TF UM US VG VI",
    },
    "es": {
        "en el ": "BQ EH GB IO LB VA",
        "en los ": "AE NL PS TF US",
        "en las ": "AX BM BS CC CK FK FO GS HM KM KY MH MP MV PN SB SC TC UM VG VI",
        "en la ": "AQ BL BV CD CF CG CX CZ DO GD GF GP IM IN MF MS NF PF RE SH",
    },
    "fr": {
        "dans les ": "PS TF",
        "dans le ": "IO",
        "à l'": "BV CX IM MU NF",
        "à la ": "BB DM GD",
        "à ": "AG AI AW BH BL CU CW CY DJ GG GI GU HK JE KI KN LC MC MF MG MO MS MT NR NU OM PM PR "
        "RE SG SH SM ST SX TK TT TV TW VC WF YT",
        "aux ": "AE AS AX BM BQ BS CC CK FJ FK FO HM KM KY MH MP MV NL PH PN PW SB SC TC TO UM US "
        "VG VI WS",
        "au ": "BD BF BI BJ BN BR BT BW BZ CA CG CL CM CR CV DK EH GA GB GH GL GT GY HN JP KE KG "
        "KH KW KZ LA LB LI LK LR LS LU MA ME ML MW MX MZ NE NG NI NP PA PE PK PT PY QA RW SD SJ "
        "SN SR SS SV TD TG TJ TL TM VA VE VN VU XK YE ZW",
    },
    "it": {
        "nel ": "EH GB IO MC",
        "nei ": "BQ NL PS",
        "negli ": "AE US",
        "nella ": "CD CF CG CZ DO GF GS PF",
        "nelle ": "AS AX CC CK FK FO HM KY MH MP PH PN PW SB TC TF UM VG VI",
        "alle ": "BM BS FJ KM MV SC SJ",
        "sull'": "BV CX IM MS NF RE",
        "ad ": "AD AG AI AW HT",
        "a ": "BB BL CU CV CW CY DJ DM GD GG GI GU HK JE KI KN LC MF MO MT MU NR NU PA PM PR SG SH "
        "SM ST SX TK TL TO TT TV TW VC VU WF WS YT",
    },
}
PLAIN = {"de": "in ", "en": "in ", "es": "en ", "fr": "en ", "it": "in "}

#: How an origin begins, by how the place does. ``ORIGINS_EXCEPT`` comes before it.
ORIGINS = {
    "de": {
        "auf der ": "von der ",
        "auf den ": "von den ",
        "auf ": "von ",
        "im ": "aus dem ",
        "in der ": "aus der ",
        "in den ": "aus den ",
        "in ": "aus ",
    },
    "en": {"on ": "from ", "in ": "from "},
    "es": {"en ": "desde "},
    "fr": {
        "dans les ": "des ",
        "dans le ": "du ",
        "à l'": "de l'",
        "à la ": "de la ",
        "à ": "de ",
        "aux ": "des ",
        "au ": "du ",
        "en ": "de ",
    },
    "it": {
        "nel ": "dal ",
        "nei ": "dai ",
        "negli ": "dagli ",
        "nella ": "dalla ",
        "nelle ": "dalle ",
        "alle ": "dalle ",
        "sull'": "dall'",
        "ad ": "da ",
        "a ": "da ",
        "in ": "dalla ",
    },
}
ORIGINS_EXCEPT = {
    # Islands that are states, and Greenland: "auf Malta" and yet "aus Malta".
    "de": {"aus ": "BB CU CY DM FJ GD GL JM LC MG MT MU NR"},
    "fr": {
        "d'": "AD AF AG AI AL AM AO AQ AR AT AU AW AZ DE DZ EC EE EG ER ES ET HT ID IE IL IN IQ IR "
        "IS IT OM SA SZ UA UG UY UZ ZA",
    },
    # "in" goes without an article, "da" does not: it has to be known.
    "it": {
        "dal ": "BD BE BF BH BI BJ BN BR BT BW BZ CA CL CM GA GH GM GT JP KE KG KW KZ LA LB LI LS "
        "LU MA ME MG ML MW MX MZ NE NI NP PE PK PT PY QA RW SD SN SR SS TD TG TJ TM VA VE VN XK ZA",
        "dallo ": "LK YE ZM ZW",
        "dall'": "AF AL AM AO AQ AR AT AU AZ DZ EC EE EG ER ET HN HU ID IE IN IQ IR IS IT OM SA SZ "
        "UA UG UY UZ",
        "da ": "IL SV",
    },
}

#: Of two territories, the second has its own preposition.
SECOND = {
    ("fr", "GS"): (" et aux ", " et des "),
    ("fr", "SJ"): (" et à ", " et de "),
    ("it", "GS"): (" e nelle ", " e dalle "),
    ("it", "SJ"): (" e a ", " e da "),
}

#: Where the rule that one would write in French (``by_spelling``) is wrong.
FRENCH_EXCEPTIONS = {
    "à ": "AG AI AW BH BL CU CW CY DJ GG GI GU HK JE KI KN LC MC MF MG MO MS MT MU NR NU OM PM PR "
    "RE SG SH SM ST SX TK TT TV TW VC WF YT",
    "à la ": "BB DM GD",
    "à l'": "BV CX IM NF",
    "dans le ": "IO",
    "dans les ": "PS TF",
    "au ": "VA BZ GB KH MX MZ SR ZW HN LA",
    "aux ": "AS FJ TO WS",
    "en ": "HT SL",
    "en République démocratique": "CD",
    "en Birmanie": "MM",
}

#: The countries that are called something else than in Unicode CLDR, which countries.csv holds.
SAID_DIFFERENTLY = {
    "en": "CC CD CG CI CZ GS HK MM MO TL TR UM VC VI",
    "fr": "CD CG CZ GF GS HK KG MM MO MU SJ SX VA VC VI VN",
}

#: Where somebody is, and where somebody speaks from.
SPOT_CHECKS = {
    "de": {
        "MA": ("in Marokko", "aus Marokko"),
        "CH": ("in der Schweiz", "aus der Schweiz"),
        "LB": ("im Libanon", "aus dem Libanon"),
        "US": ("in den USA", "aus den USA"),
        "MG": ("auf Madagaskar", "aus Madagaskar"),
        "MT": ("auf Malta", "aus Malta"),
        "IS": ("in Island", "aus Island"),
        "JE": ("auf Jersey", "von Jersey"),
        "IM": ("auf der Insel Man", "von der Insel Man"),
        "MV": ("auf den Malediven", "von den Malediven"),
        "PH": ("auf den Philippinen", "von den Philippinen"),
        "CI": ("in der Elfenbeinküste", "aus der Elfenbeinküste"),
        "GB": ("im Vereinigten Königreich", "aus dem Vereinigten Königreich"),
        "NL": ("in den Niederlanden", "aus den Niederlanden"),
        "TR": ("in der Türkei", "aus der Türkei"),
        "CZ": ("in Tschechien", "aus Tschechien"),
        "DO": ("in der Dominikanischen Republik", "aus der Dominikanischen Republik"),
        "AE": ("in den Vereinigten Arabischen Emiraten", "aus den Vereinigten Arabischen Emiraten"),
        "XK": ("im Kosovo", "aus dem Kosovo"),
        "NO": ("in Norwegen", "aus Norwegen"),
        "VC": ("in Saint Vincent und den Grenadinen", "aus Saint Vincent und den Grenadinen"),
    },
    "en": {
        "MA": ("in Morocco", "from Morocco"),
        "GB": ("in the United Kingdom", "from the United Kingdom"),
        "US": ("in the United States", "from the United States"),
        "CI": ("in Ivory Coast", "from Ivory Coast"),
        "NL": ("in the Netherlands", "from the Netherlands"),
        "PH": ("in the Philippines", "from the Philippines"),
        "GM": ("in the Gambia", "from the Gambia"),
        "IM": ("on the Isle of Man", "from the Isle of Man"),
        "CX": ("on Christmas Island", "from Christmas Island"),
        "CD": (
            "in the Democratic Republic of the Congo",
            "from the Democratic Republic of the Congo",
        ),
        "KN": ("in Saint Kitts and Nevis", "from Saint Kitts and Nevis"),
        "HK": ("in Hong Kong", "from Hong Kong"),
        "TR": ("in Turkey", "from Turkey"),
        "TL": ("in East Timor", "from East Timor"),
        "BS": ("in the Bahamas", "from the Bahamas"),
        "NO": ("in Norway", "from Norway"),
        "VI": ("in the United States Virgin Islands", "from the United States Virgin Islands"),
    },
    "es": {
        "MA": ("en Marruecos", "desde Marruecos"),
        "US": ("en los Estados Unidos", "desde los Estados Unidos"),
        "CI": ("en Costa de Marfil", "desde Costa de Marfil"),
        "TN": ("en Túnez", "desde Túnez"),
        "IN": ("en la India", "desde la India"),
        "LB": ("en el Líbano", "desde el Líbano"),
        "GB": ("en el Reino Unido", "desde el Reino Unido"),
        "NL": ("en los Países Bajos", "desde los Países Bajos"),
        "PH": ("en Filipinas", "desde Filipinas"),
        "SV": ("en El Salvador", "desde El Salvador"),
        "DO": ("en la República Dominicana", "desde la República Dominicana"),
        "MM": ("en Birmania", "desde Birmania"),
        "GD": (
            "en la isla de Granada",
            "desde la isla de Granada",
        ),  # Granada alone is a city in Spain
        "HK": ("en Hong Kong", "desde Hong Kong"),
        "NO": ("en Noruega", "desde Noruega"),
        "KM": ("en las Comoras", "desde las Comoras"),
        "FK": ("en las islas Malvinas", "desde las islas Malvinas"),
    },
    "fr": {
        "MA": ("au Maroc", "du Maroc"),
        "CD": ("en République démocratique du Congo", "de République démocratique du Congo"),
        "CG": ("au Congo", "du Congo"),
        "MU": ("à l'île Maurice", "de l'île Maurice"),
        "MM": ("en Birmanie", "de Birmanie"),
        "PH": ("aux Philippines", "des Philippines"),
        "NL": ("aux Pays-Bas", "des Pays-Bas"),
        "HT": ("en Haïti", "d'Haïti"),
        "HU": ("en Hongrie", "de Hongrie"),
        "HN": ("au Honduras", "du Honduras"),
        "YE": ("au Yémen", "du Yémen"),
        "CY": ("à Chypre", "de Chypre"),
        "MG": ("à Madagascar", "de Madagascar"),
        "IR": ("en Iran", "d'Iran"),
        "MZ": ("au Mozambique", "du Mozambique"),
        "BB": ("à la Barbade", "de la Barbade"),
        "IM": ("à l'île de Man", "de l'île de Man"),
        "AE": ("aux Émirats arabes unis", "des Émirats arabes unis"),
        "FK": ("aux îles Malouines", "des îles Malouines"),
        "PS": ("dans les Territoires palestiniens", "des Territoires palestiniens"),
        "SJ": ("au Svalbard et à Jan Mayen", "du Svalbard et de Jan Mayen"),
        "VA": ("au Vatican", "du Vatican"),
        "NO": ("en Norvège", "de Norvège"),
    },
    "it": {
        "MA": ("in Marocco", "dal Marocco"),
        "TN": ("in Tunisia", "dalla Tunisia"),
        "AL": ("in Albania", "dall'Albania"),
        "US": ("negli Stati Uniti", "dagli Stati Uniti"),
        "NL": ("nei Paesi Bassi", "dai Paesi Bassi"),
        "CU": ("a Cuba", "da Cuba"),
        "PH": ("nelle Filippine", "dalle Filippine"),
        "MT": ("a Malta", "da Malta"),
        "SM": ("a San Marino", "da San Marino"),
        "MG": ("in Madagascar", "dal Madagascar"),
        "GB": ("nel Regno Unito", "dal Regno Unito"),
        "CZ": ("nella Repubblica Ceca", "dalla Repubblica Ceca"),
        "CI": ("in Costa d'Avorio", "dalla Costa d'Avorio"),
        "MC": (
            "nel Principato di Monaco",
            "dal Principato di Monaco",
        ),  # Monaco alone may be Munich
        "SH": ("a Sant'Elena", "da Sant'Elena"),
        "HT": ("ad Haiti", "da Haiti"),
        "HN": ("in Honduras", "dall'Honduras"),
        "IL": ("in Israele", "da Israele"),
        "YE": ("in Yemen", "dallo Yemen"),
        "ZA": ("in Sudafrica", "dal Sudafrica"),
        "MV": ("alle Maldive", "dalle Maldive"),
        "BA": ("in Bosnia ed Erzegovina", "dalla Bosnia ed Erzegovina"),
        "NO": ("in Norvegia", "dalla Norvegia"),
    },
}

#: What is said of three countries before an agent is sought, and of one that answered.
WHOLE_SENTENCES = {
    "de": {
        "inbound MA TN MG": "Ihr Anruf kann in Marokko, in Tunesien oder auf Madagaskar "
        "angenommen werden.",
        "inbound CH US MT": "Ihr Anruf kann in der Schweiz, in den USA oder auf Malta angenommen "
        "werden.",
        "inbound SN CI MU": "Ihr Anruf kann im Senegal, in der Elfenbeinküste oder auf Mauritius "
        "angenommen werden.",
        "inbound PH IN MY": "Ihr Anruf kann auf den Philippinen, in Indien oder in Malaysia "
        "angenommen werden.",
        "inbound AL XK MK": "Ihr Anruf kann in Albanien, im Kosovo oder in Nordmazedonien "
        "angenommen werden.",
        "inbound GB IE NL": "Ihr Anruf kann im Vereinigten Königreich, in Irland oder in den "
        "Niederlanden angenommen werden.",
        "inbound DO CO CR": "Ihr Anruf kann in der Dominikanischen Republik, in Kolumbien oder "
        "in Costa Rica angenommen werden.",
        "inbound LB JO AE": "Ihr Anruf kann im Libanon, in Jordanien oder in den Vereinigten "
        "Arabischen Emiraten angenommen werden.",
        "inbound NO CZ CY": "Ihr Anruf kann in Norwegen, in Tschechien oder auf Zypern "
        "angenommen werden.",
        "inbound HT CU JM": "Ihr Anruf kann in Haiti, auf Kuba oder auf Jamaika angenommen werden.",
        "inbound MA": "Ihr Berater ist aus Marokko zugeschaltet.",
        "outbound MA TN MG": "Dieser Anruf kann aus Marokko, aus Tunesien oder aus Madagaskar "
        "kommen.",
        "outbound CH US MT": "Dieser Anruf kann aus der Schweiz, aus den USA oder aus Malta "
        "kommen.",
        "outbound PH MV JE": "Dieser Anruf kann von den Philippinen, von den Malediven oder von "
        "Jersey kommen.",
        "outbound LB XK AE": "Dieser Anruf kann aus dem Libanon, aus dem Kosovo oder aus den "
        "Vereinigten Arabischen Emiraten kommen.",
        "outbound MA": "Ihr Berater ruft Sie aus Marokko an.",
    },
    "en": {
        "inbound MA TN MG": "Your call may be handled in Morocco, in Tunisia or in Madagascar, "
        "please hold.",
        "inbound CH US MT": "Your call may be handled in Switzerland, in the United States or in "
        "Malta, please hold.",
        "inbound SN CI MU": "Your call may be handled in Senegal, in Ivory Coast or in "
        "Mauritius, please hold.",
        "inbound PH IN MY": "Your call may be handled in the Philippines, in India or in "
        "Malaysia, please hold.",
        "inbound AL XK MK": "Your call may be handled in Albania, in Kosovo or in North "
        "Macedonia, please hold.",
        "inbound GB IE NL": "Your call may be handled in the United Kingdom, in Ireland or in "
        "the Netherlands, please hold.",
        "inbound DO CO CR": "Your call may be handled in the Dominican Republic, in Colombia or "
        "in Costa Rica, please hold.",
        "inbound LB JO AE": "Your call may be handled in Lebanon, in Jordan or in the United "
        "Arab Emirates, please hold.",
        "inbound NO CZ CY": "Your call may be handled in Norway, in the Czech Republic or in "
        "Cyprus, please hold.",
        "inbound HT CU JM": "Your call may be handled in Haiti, in Cuba or in Jamaica, please "
        "hold.",
        "inbound MA": "Your adviser in Morocco is on the line.",
        "outbound MA TN MG": "This call may be from Morocco, from Tunisia or from Madagascar, "
        "please hold.",
        "outbound CH US MT": "This call may be from Switzerland, from the United States or from "
        "Malta, please hold.",
        "outbound PH IN IM": "This call may be from the Philippines, from India or from the Isle "
        "of Man, please hold.",
        "outbound GB IE NL": "This call may be from the United Kingdom, from Ireland or from the "
        "Netherlands, please hold.",
        "outbound MA": "Your adviser is calling you from Morocco today.",
    },
    "es": {
        "inbound MA TN MG": "Su agente puede estar en Marruecos, en Túnez o en Madagascar, un "
        "momento.",
        "inbound CH US MT": "Su agente puede estar en Suiza, en los Estados Unidos o en Malta, "
        "un momento.",
        "inbound SN CI MU": "Su agente puede estar en Senegal, en Costa de Marfil o en Mauricio, "
        "un momento.",
        "inbound PH IN MY": "Su agente puede estar en Filipinas, en la India o en Malasia, un "
        "momento.",
        "inbound AL XK MK": "Su agente puede estar en Albania, en Kosovo o en Macedonia del "
        "Norte, un momento.",
        "inbound GB IE NL": "Su agente puede estar en el Reino Unido, en Irlanda o en los Países "
        "Bajos, un momento.",
        "inbound DO CO CR": "Su agente puede estar en la República Dominicana, en Colombia o en "
        "Costa Rica, un momento.",
        "inbound LB JO AE": "Su agente puede estar en el Líbano, en Jordania o en los Emiratos "
        "Árabes Unidos, un momento.",
        "inbound NO CZ CY": "Su agente puede estar en Noruega, en la República Checa o en "
        "Chipre, un momento.",
        "inbound HT CU JM": "Su agente puede estar en Haití, en Cuba o en Jamaica, un momento.",
        "inbound MA": "Le atiende desde Marruecos su agente.",
        "outbound MA TN MG": "Su agente puede estar en Marruecos, en Túnez o en Madagascar, un "
        "momento.",
        "outbound CH US MT": "Su agente puede estar en Suiza, en los Estados Unidos o en Malta, "
        "un momento.",
        "outbound PH IN MY": "Su agente puede estar en Filipinas, en la India o en Malasia, un "
        "momento.",
        "outbound MA": "Le llama desde Marruecos su agente.",
    },
    "fr": {
        "inbound MA TN MG": "Votre appel pourra être traité au Maroc, en Tunisie ou à "
        "Madagascar, merci de patienter.",
        "inbound CH US MT": "Votre appel pourra être traité en Suisse, aux États-Unis ou à "
        "Malte, merci de patienter.",
        "inbound SN CI MU": "Votre appel pourra être traité au Sénégal, en Côte d'Ivoire ou à "
        "l'île Maurice, merci de patienter.",
        "inbound PH IN MY": "Votre appel pourra être traité aux Philippines, en Inde ou en "
        "Malaisie, merci de patienter.",
        "inbound AL XK MK": "Votre appel pourra être traité en Albanie, au Kosovo ou en "
        "Macédoine du Nord, merci de patienter.",
        "inbound GB IE NL": "Votre appel pourra être traité au Royaume-Uni, en Irlande ou aux "
        "Pays-Bas, merci de patienter.",
        "inbound DO CO CR": "Votre appel pourra être traité en République dominicaine, en "
        "Colombie ou au Costa Rica, merci de patienter.",
        "inbound LB JO AE": "Votre appel pourra être traité au Liban, en Jordanie ou aux Émirats "
        "arabes unis, merci de patienter.",
        "inbound NO CZ CY": "Votre appel pourra être traité en Norvège, en République tchèque ou "
        "à Chypre, merci de patienter.",
        "inbound HT CU JM": "Votre appel pourra être traité en Haïti, à Cuba ou en Jamaïque, "
        "merci de patienter.",
        "inbound MA": "Votre appel sera traité au Maroc, merci de patienter.",
        "outbound MA TN MG": "Cet appel peut provenir du Maroc, de Tunisie ou de Madagascar, "
        "merci de patienter.",
        "outbound CH US MT": "Cet appel peut provenir de Suisse, des États-Unis ou de Malte, "
        "merci de patienter.",
        "outbound SN CI MU": "Cet appel peut provenir du Sénégal, de Côte d'Ivoire ou de l'île "
        "Maurice, merci de patienter.",
        "outbound HT HU HN": "Cet appel peut provenir d'Haïti, de Hongrie ou du Honduras, merci "
        "de patienter.",
        "outbound MA": "Votre conseiller vous appelle du Maroc, vous êtes en ligne.",
    },
    "it": {
        "inbound MA TN MG": "L'operatore può essere in Marocco, in Tunisia o in Madagascar, "
        "attenda.",
        "inbound CH US MT": "L'operatore può essere in Svizzera, negli Stati Uniti o a Malta, "
        "attenda.",
        "inbound SN CI MU": "L'operatore può essere in Senegal, in Costa d'Avorio o a Mauritius, "
        "attenda.",
        "inbound PH IN MY": "L'operatore può essere nelle Filippine, in India o in Malaysia, "
        "attenda.",
        "inbound AL XK MK": "L'operatore può essere in Albania, in Kosovo o in Macedonia del "
        "Nord, attenda.",
        "inbound GB IE NL": "L'operatore può essere nel Regno Unito, in Irlanda o nei Paesi "
        "Bassi, attenda.",
        "inbound DO CO CR": "L'operatore può essere nella Repubblica Dominicana, in Colombia o "
        "in Costa Rica, attenda.",
        "inbound LB JO AE": "L'operatore può essere in Libano, in Giordania o negli Emirati "
        "Arabi Uniti, attenda.",
        "inbound NO CZ CY": "L'operatore può essere in Norvegia, nella Repubblica Ceca o a "
        "Cipro, attenda.",
        "inbound HT CU JM": "L'operatore può essere ad Haiti, a Cuba o in Giamaica, attenda.",
        "inbound MA": "Le risponde dal Marocco un nostro operatore.",
        "outbound MA TN MG": "La chiamata può arrivare dal Marocco, dalla Tunisia o dal "
        "Madagascar, attenda.",
        "outbound CH US MT": "La chiamata può arrivare dalla Svizzera, dagli Stati Uniti o da "
        "Malta, attenda.",
        "outbound AL XK MK": "La chiamata può arrivare dall'Albania, dal Kosovo o dalla Macedonia "
        "del Nord, attenda.",
        "outbound ZM NL CU": "La chiamata può arrivare dallo Zambia, dai Paesi Bassi o da Cuba, "
        "attenda.",
        "outbound MA": "La chiama dal Marocco un nostro operatore.",
    },
}

#: What nobody says: a preposition that ought to be one word with its article, or an elision that
#: is missing or too much.
NEVER_SAID = {
    "de": r"\b(?:in|von|zu) dem\b",
    "en": r"\bthe the\b|\b(?:in|on|from) (?:in|on|from)\b",
    "es": r"\b(?:de|a) el\b|\by (?:[iI]|[hH]i)|\bo [oO]",
    "fr": r"\b(?:de|à|en) les? |\b(?:de|du|le|la|au) (?:[aeiouAEIOUéîÉÎÅ]|Haï)"
    r"|\b[dl]'(?![aeiouAEIOUéîÉÎÅ]|Haï)",
    "it": r"\b(?:di|a|da|in|su) (?:il|lo|la|i|gli|le)\b|\b(?:nel|dal)(?:l[ao])? [aeiouAEIOU]"
    r"|l'(?![aeiouAEIOU]|Honduras)",
}


def plain(name: str) -> str:
    """A name of Unicode CLDR as it would be spelt in a sentence."""
    return name.replace("’", "'").replace("St.", "Saint").replace("&", "and")


def by_spelling(name: str) -> str:
    """The preposition that the French name of a country seems to ask for."""
    first = re.split("[ -]", name)[0]
    if first.endswith("s"):
        return "aux "
    begins_with_vowel = unicodedata.normalize("NFD", first)[0] in "AEIOU"
    return "en " if begins_with_vowel or first.endswith("e") else "au "


def beginning(phrase: str, known: Iterable[str]) -> str:
    """The longest of the ``known`` beginnings that the phrase has, or all of it."""
    starts = sorted(known, key=len, reverse=True)
    return next((start for start in starts if phrase.startswith(start)), phrase)


def origin_of(language: str, code: str, place: str) -> str:
    """Where somebody speaks from, by the rules, who is in this place."""
    start = beginning(place, ORIGINS[language])
    exceptions = ORIGINS_EXCEPT.get(language, {})
    rule = ORIGINS[language].get(start, start)
    origin = next((own for own, codes in exceptions.items() if code in codes.split()), rule)
    name = place.removeprefix(start)
    return origin + name.replace(*SECOND.get((language, code), ("", "")))


def places(words: Wording) -> dict[str, str]:
    return {code: forms.place for code, forms in words.countries.items()}


def phrases(words: Wording) -> list[str]:
    """Each country in both its forms."""
    return [phrase for forms in words.countries.values() for phrase in astuple(forms)]


def said(
    words: Wording, direction: Direction, stage: Stage, *codes: str, home: str | None = None
) -> str:
    sentence = announcement(words, direction, stage, codes, home)
    assert sentence is not None
    return sentence.text


def test_these_are_the_languages_with_every_country() -> None:
    assert available_languages() == LANGUAGES


@pytest.fixture(params=LANGUAGES)
def words(request: pytest.FixtureRequest) -> Wording:
    return wording(request.param)


class TestEveryCountry:
    def test_has_words_and_nothing_else_has(self, words: Wording) -> None:
        assert len(words.countries) == 250
        assert set(words.countries) == set(countries())

    def test_is_told_from_every_other(self, words: Wording) -> None:
        assert len(set(phrases(words))) == 500

    def test_is_in_a_place_with_the_preposition_and_article_it_asks_for(
        self, words: Wording
    ) -> None:
        expected = dict.fromkeys(countries(), PLAIN[words.language])
        for start, codes in BEGINNINGS[words.language].items():
            expected |= dict.fromkeys(codes.split(), start)
        known = {*expected.values()}
        assert {code: beginning(place, known) for code, place in places(words).items()} == expected

    def test_is_spoken_from_under_the_same_name_as_the_rules_have_it(self, words: Wording) -> None:
        origins = {code: forms.origin for code, forms in words.countries.items()}
        assert origins == {
            code: origin_of(words.language, code, place) for code, place in places(words).items()
        }

    def test_has_a_name_after_its_preposition(self, words: Wording) -> None:
        starts = {*BEGINNINGS[words.language], PLAIN[words.language]}
        common = ("île", "îles", "isla", "islas", "isola", "isole", "palästinensischen")
        for place in places(words).values():
            name = place.removeprefix(beginning(place, starts))
            assert re.fullmatch(r"(?:[^\W\d_]|[ '-])+", name), place
            assert name[0].isupper() or name.startswith(common), place

    def test_has_nothing_left_of_the_table_it_came_from(self, words: Wording) -> None:
        artefacts = r"[()&\d./,;’]| - |\b(?:RAS|RAE|SAR|EE|UU|St|Ste|Is)\b|Sonderverwaltung|  "
        for phrase in phrases(words):
            assert not re.search(artefacts, phrase), phrase
            assert phrase == unicodedata.normalize("NFC", phrase).strip()
            capitals = re.findall("[A-Z]{2,}", phrase)
            assert capitals == (["USA"] if phrase.endswith("den USA") else []), phrase

    def test_has_straight_apostrophes_between_letters(self, words: Wording) -> None:
        with_apostrophe = [phrase for phrase in phrases(words) if "'" in phrase]
        for phrase in with_apostrophe:
            assert re.search(r"l'[^\W\d_]|[dt]'[AEIOUÉH]", phrase), phrase
        assert bool(with_apostrophe) == (words.language in {"fr", "it"})

    def test_is_called_as_people_call_it(self, words: Wording) -> None:
        checks = SPOT_CHECKS[words.language]
        assert len(checks) > 15
        assert {code: astuple(words.countries[code]) for code in checks} == checks


@pytest.mark.parametrize("language", SAID_DIFFERENTLY)
def test_names_are_those_of_unicode_cldr_except_where_people_say_another(language: str) -> None:
    different = {
        code
        for code, place in places(wording(language)).items()
        if not place.casefold().endswith(
            plain(countries()[code].english if language == "en" else countries()[code].french)
            .casefold()
            .removeprefix("the ")
        )
    }
    expected = set(SAID_DIFFERENTLY[language].split())
    assert different == expected - {"MU"}  # "à l'île Maurice" ends like "Maurice"


class TestSentences:
    def test_those_written_out_by_hand_are_what_is_said(self, words: Wording) -> None:
        for asked, sentence in WHOLE_SENTENCES[words.language].items():
            direction, *codes = asked.split()
            stage = Stage.POSSIBLE if len(codes) > 1 else Stage.ANSWERED
            assert said(words, Direction(direction), stage, *codes) == sentence

    @pytest.mark.parametrize("direction", Direction)
    def test_those_of_every_country_are_right(self, words: Wording, direction: Direction) -> None:
        for code, forms in words.countries.items():
            for sentence in (
                said(words, direction, Stage.POSSIBLE, code),
                said(words, direction, Stage.POSSIBLE, code, home=code),
                said(words, direction, Stage.ANSWERED, code),
            ):
                assert re.fullmatch(r"[A-Z][a-z'][^.{}]+[^\W\d_]\.", sentence), sentence
                assert "  " not in sentence
                assert not re.search(NEVER_SAID[words.language], sentence), sentence
                _, country, rest = re.split(f"({'|'.join(astuple(forms))})", sentence)
                assert re.match(",? [^ ]", rest), f"{country!r} is last in {sentence!r}"

    def test_all_end_like_one_and_speak_to_the_caller_formally(self, words: Wording) -> None:
        informal = (
            r"(?i)\b(?:tu|ton|ta|tes|tua|tuo|du|dein|deine|dich|warte|espera|attendi|resta)\b"
        )
        sentences = (*astuple(words.inbound), *astuple(words.outbound), *words.segments.values())
        for sentence in sentences:
            assert re.fullmatch(r"(?:[A-Z]|\{company\}).*(?:[^\W\d_]|\{company\})\.", sentence)
            assert not re.search(informal, sentence), sentence

    def test_there_are_the_same_optional_ones_in_every_language(self, words: Wording) -> None:
        assert set(words.segments) == {"recording", "ai", "free"}


class TestFrench:
    def test_the_exceptions_hold(self) -> None:
        french = places(wording("fr"))
        for start, codes in FRENCH_EXCEPTIONS.items():
            for code in codes.split():
                assert french[code].startswith(start), french[code]

    def test_every_other_country_follows_its_spelling(self) -> None:
        exceptions = " ".join(FRENCH_EXCEPTIONS.values()).split()
        for code, place in places(wording("fr")).items():
            if code not in exceptions:
                assert place.startswith(by_spelling(countries()[code].french)), place


class TestGerman:
    def test_a_plural_stands_in_the_dative(self) -> None:
        for phrase in phrases(wording("de")):
            if re.match("(?:in|auf|aus|von) den ", phrase):
                assert phrase.endswith(("n", "Bahamas", "Bermudas", "USA")), phrase

    def test_an_adjective_after_an_article_is_declined(self) -> None:
        for phrase in phrases(wording("de")):
            for adjective in re.findall(
                r"(?:im|de[mnr]) ([\w-]*(?:isch|einigt|lich)\w*) \w", phrase
            ):
                assert adjective.endswith("en"), phrase


class TestItalian:
    def test_the_article_suits_the_sound_that_follows(self) -> None:
        for phrase in phrases(wording("it")):
            assert not re.match(
                "(?:nel|nei|dal|dai) (?:[aeiouAEIOUY]|[sS][^aeiou]|[zZ])", phrase
            ), phrase
            assert not re.match("a [aA]", phrase), phrase
            if re.match("(?:negli|dagli) ", phrase):
                assert re.match(r"\w+ (?:[AEIOU]|S[^aeiou])", phrase), phrase
            if phrase.startswith("dallo "):
                assert re.match("dallo (?:[YZ]|S[^aeiou])", phrase), phrase
