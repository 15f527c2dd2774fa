"""Every country of the world, as it stands in a sentence of each language that is shipped.

Names are easy to look up and prepositions are not: what is checked here is what a speaker of the
language would hear at once ("en Maroc", "in Schweiz", "a Stati Uniti").
"""

from __future__ import annotations

import re
import unicodedata

import pytest

from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.config.wordings import available_languages, wording
from callcentre_disclosure.disclosure.announcement import Wording, announcement
from callcentre_disclosure.disclosure.call import Stage

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

SPOT_CHECKS = {
    "de": {
        "MA": "in Marokko",
        "CH": "in der Schweiz",
        "LB": "im Libanon",
        "US": "in den USA",
        "MG": "auf Madagaskar",
        "CI": "in der Elfenbeinküste",
        "GB": "im Vereinigten Königreich",
        "NL": "in den Niederlanden",
        "TR": "in der Türkei",
        "PH": "auf den Philippinen",
        "CZ": "in Tschechien",
        "DO": "in der Dominikanischen Republik",
        "AE": "in den Vereinigten Arabischen Emiraten",
        "XK": "im Kosovo",
        "NO": "in Norwegen",
        "VC": "in Saint Vincent und den Grenadinen",
    },
    "en": {
        "MA": "in Morocco",
        "GB": "in the United Kingdom",
        "CI": "in Ivory Coast",
        "NL": "in the Netherlands",
        "PH": "in the Philippines",
        "GM": "in the Gambia",
        "IM": "on the Isle of Man",
        "CX": "on Christmas Island",
        "CD": "in the Democratic Republic of the Congo",
        "KN": "in Saint Kitts and Nevis",
        "HK": "in Hong Kong",
        "TR": "in Turkey",
        "TL": "in East Timor",
        "BS": "in the Bahamas",
        "NO": "in Norway",
        "VI": "in the United States Virgin Islands",
    },
    "es": {
        "MA": "en Marruecos",
        "US": "en los Estados Unidos",
        "CI": "en Costa de Marfil",
        "TN": "en Túnez",
        "IN": "en la India",
        "LB": "en el Líbano",
        "GB": "en el Reino Unido",
        "NL": "en los Países Bajos",
        "PH": "en Filipinas",
        "SV": "en El Salvador",
        "DO": "en la República Dominicana",
        "MM": "en Birmania",
        "GD": "en la isla de Granada",  # Granada alone is a city in Spain
        "HK": "en Hong Kong",
        "NO": "en Noruega",
        "KM": "en las Comoras",
    },
    "fr": {
        "MA": "au Maroc",
        "CD": "en République démocratique du Congo",
        "CG": "au Congo",
        "MU": "à l'île Maurice",
        "MM": "en Birmanie",
        "PH": "aux Philippines",
        "HT": "en Haïti",
        "CY": "à Chypre",
        "IR": "en Iran",
        "MZ": "au Mozambique",
        "BB": "à la Barbade",
        "IM": "à l'île de Man",
        "AE": "aux Émirats arabes unis",
        "FK": "aux îles Malouines",
        "VA": "au Vatican",
        "NO": "en Norvège",
    },
    "it": {
        "MA": "in Marocco",
        "US": "negli Stati Uniti",
        "NL": "nei Paesi Bassi",
        "CU": "a Cuba",
        "PH": "nelle Filippine",
        "MT": "a Malta",
        "MG": "in Madagascar",
        "GB": "nel Regno Unito",
        "CZ": "nella Repubblica Ceca",
        "CI": "in Costa d'Avorio",
        "MC": "nel Principato di Monaco",  # Monaco alone may be Munich
        "SH": "a Sant'Elena",
        "HT": "ad Haiti",
        "MV": "alle Maldive",
        "BA": "in Bosnia ed Erzegovina",
        "NO": "in Norvegia",
    },
}

#: What three countries read like, in each language.
READ = {
    "MA TN MG": {
        "de": "in Marokko, in Tunesien oder auf Madagaskar",
        "en": "in Morocco, in Tunisia or in Madagascar",
        "es": "en Marruecos, en Túnez o en Madagascar",
        "fr": "au Maroc, en Tunisie ou à Madagascar",
        "it": "in Marocco, in Tunisia o in Madagascar",
    },
    "CH US MT": {
        "de": "in der Schweiz, in den USA oder auf Malta",
        "en": "in Switzerland, in the United States or in Malta",
        "es": "en Suiza, en los Estados Unidos o en Malta",
        "fr": "en Suisse, aux États-Unis ou à Malte",
        "it": "in Svizzera, negli Stati Uniti o a Malta",
    },
    "SN CI MU": {
        "de": "im Senegal, in der Elfenbeinküste oder auf Mauritius",
        "en": "in Senegal, in Ivory Coast or in Mauritius",
        "es": "en Senegal, en Costa de Marfil o en Mauricio",
        "fr": "au Sénégal, en Côte d'Ivoire ou à l'île Maurice",
        "it": "in Senegal, in Costa d'Avorio o a Mauritius",
    },
    "PH IN MY": {
        "de": "auf den Philippinen, in Indien oder in Malaysia",
        "en": "in the Philippines, in India or in Malaysia",
        "es": "en Filipinas, en la India o en Malasia",
        "fr": "aux Philippines, en Inde ou en Malaisie",
        "it": "nelle Filippine, in India o in Malaysia",
    },
    "AL XK MK": {
        "de": "in Albanien, im Kosovo oder in Nordmazedonien",
        "en": "in Albania, in Kosovo or in North Macedonia",
        "es": "en Albania, en Kosovo o en Macedonia del Norte",
        "fr": "en Albanie, au Kosovo ou en Macédoine du Nord",
        "it": "in Albania, in Kosovo o in Macedonia del Nord",
    },
    "GB IE NL": {
        "de": "im Vereinigten Königreich, in Irland oder in den Niederlanden",
        "en": "in the United Kingdom, in Ireland or in the Netherlands",
        "es": "en el Reino Unido, en Irlanda o en los Países Bajos",
        "fr": "au Royaume-Uni, en Irlande ou aux Pays-Bas",
        "it": "nel Regno Unito, in Irlanda o nei Paesi Bassi",
    },
    "DO CO CR": {
        "de": "in der Dominikanischen Republik, in Kolumbien oder in Costa Rica",
        "en": "in the Dominican Republic, in Colombia or in Costa Rica",
        "es": "en la República Dominicana, en Colombia o en Costa Rica",
        "fr": "en République dominicaine, en Colombie ou au Costa Rica",
        "it": "nella Repubblica Dominicana, in Colombia o in Costa Rica",
    },
    "LB JO AE": {
        "de": "im Libanon, in Jordanien oder in den Vereinigten Arabischen Emiraten",
        "en": "in Lebanon, in Jordan or in the United Arab Emirates",
        "es": "en el Líbano, en Jordania o en los Emiratos Árabes Unidos",
        "fr": "au Liban, en Jordanie ou aux Émirats arabes unis",
        "it": "in Libano, in Giordania o negli Emirati Arabi Uniti",
    },
    "NO CZ CY": {
        "de": "in Norwegen, in Tschechien oder auf Zypern",
        "en": "in Norway, in the Czech Republic or in Cyprus",
        "es": "en Noruega, en la República Checa o en Chipre",
        "fr": "en Norvège, en République tchèque ou à Chypre",
        "it": "in Norvegia, nella Repubblica Ceca o a Cipro",
    },
    "HT CU JM": {
        "de": "in Haiti, auf Kuba oder auf Jamaika",
        "en": "in Haiti, in Cuba or in Jamaica",
        "es": "en Haití, en Cuba o en Jamaica",
        "fr": "en Haïti, à Cuba ou en Jamaïque",
        "it": "ad Haiti, a Cuba o in Giamaica",
    },
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


def test_these_are_the_languages_with_every_country() -> None:
    assert available_languages() == LANGUAGES


@pytest.fixture(params=LANGUAGES)
def words(request: pytest.FixtureRequest) -> Wording:
    return wording(request.param)


class TestEveryLanguage:
    def test_has_words_for_every_country_and_no_other(self, words: Wording) -> None:
        assert len(words.places) == 250
        assert set(words.places) == set(countries())

    def test_every_country_has_the_preposition_and_the_article_it_asks_for(
        self, words: Wording
    ) -> None:
        expected = dict.fromkeys(countries(), PLAIN[words.language])
        for beginning, codes in BEGINNINGS[words.language].items():
            expected |= dict.fromkeys(codes.split(), beginning)
        known = sorted({*expected.values()}, key=len, reverse=True)
        begins = {
            code: next((start for start in known if place.startswith(start)), place)
            for code, place in words.places.items()
        }
        assert begins == expected

    def test_a_name_follows(self, words: Wording) -> None:
        starts = sorted({*BEGINNINGS[words.language], PLAIN[words.language]}, key=len, reverse=True)
        pattern = f"(?:{'|'.join(starts)})(?:[^\\W\\d_]|[ '-])+"
        common = ("île", "îles", "isla", "islas", "isola", "isole", "palästinensischen")
        for place in words.places.values():
            assert re.fullmatch(pattern, place)
            name = next(place.removeprefix(start) for start in starts if place.startswith(start))
            assert name[0].isupper() or name.startswith(common), place

    def test_nothing_is_left_of_the_table_it_came_from(self, words: Wording) -> None:
        artefacts = r"[()&\d./,;’]| - |\b(?:RAS|RAE|SAR|EE|UU|St|Ste|Is)\b|Sonderverwaltung|  "
        for code, place in words.places.items():
            assert not re.search(artefacts, place), place
            assert place == unicodedata.normalize("NFC", place).strip()
            capitals = re.findall("[A-Z]{2,}", place)
            assert capitals == (["USA"] if (words.language, code) == ("de", "US") else []), place

    def test_an_apostrophe_is_straight_and_between_letters(self, words: Wording) -> None:
        with_apostrophe = [place for place in words.places.values() if "'" in place]
        for place in with_apostrophe:
            assert re.search(r"[ln]'[^\W\d_]|d'[AI]|t'E", place), place
        assert bool(with_apostrophe) == (words.language in {"fr", "it"})

    def test_each_country_as_people_say_it(self, words: Wording) -> None:
        checks = SPOT_CHECKS[words.language]
        assert len(checks) > 15
        assert {code: words.places[code] for code in checks} == checks

    @pytest.mark.parametrize("codes", READ)
    def test_three_countries_read_right(self, words: Wording, codes: str) -> None:
        said = announcement(words, Stage.POSSIBLE, tuple(codes.split()))
        assert said is not None
        assert said.text == words.possible.replace("{places}", READ[codes][words.language])

    def test_one_country_reads_right(self, words: Wording) -> None:
        said = announcement(words, Stage.ANSWERED, ("MA",))
        assert said is not None
        assert said.text == words.answered.replace("{places}", words.places["MA"])

    def test_a_sentence_ends_like_one_and_speaks_to_the_caller_formally(
        self, words: Wording
    ) -> None:
        for sentence in (words.possible, words.answered, words.generic):
            assert re.fullmatch(r"[A-Z].*[^\W\d_]\.", sentence)
        informal = (
            r"(?i)\b(?:tu|ton|ta|tes|tua|tuo|du|dein|deine|dich|warte|espera|attendi|resta)\b"
        )
        assert not re.search(informal, f"{words.possible} {words.answered} {words.generic}")


@pytest.mark.parametrize("language", SAID_DIFFERENTLY)
def test_names_are_those_of_unicode_cldr_except_where_people_say_another(language: str) -> None:
    different = {
        code
        for code, place in wording(language).places.items()
        if not place.casefold().endswith(
            plain(countries()[code].english if language == "en" else countries()[code].french)
            .casefold()
            .removeprefix("the ")
        )
    }
    expected = set(SAID_DIFFERENTLY[language].split())
    assert different == expected - {"MU"}  # "à l'île Maurice" ends like "Maurice"


class TestFrench:
    def test_the_exceptions_hold(self) -> None:
        places = wording("fr").places
        for beginning, codes in FRENCH_EXCEPTIONS.items():
            for code in codes.split():
                assert places[code].startswith(beginning), places[code]

    def test_every_other_country_follows_its_spelling(self) -> None:
        exceptions = " ".join(FRENCH_EXCEPTIONS.values()).split()
        for code, place in wording("fr").places.items():
            if code not in exceptions:
                assert place.startswith(by_spelling(countries()[code].french)), place

    def test_no_vowel_follows_an_article_that_ought_to_be_elided(self) -> None:
        for place in wording("fr").places.values():
            assert not re.search(r"\b(?:la|le|de) [aeiouîéAEIOUÎÉ]", place), place


class TestGerman:
    def test_a_plural_stands_in_the_dative(self) -> None:
        for code, place in wording("de").places.items():
            if place.startswith(("in den ", "auf den ")) and code not in {"BM", "BS", "US"}:
                assert place.endswith("n"), place

    def test_an_adjective_after_an_article_is_declined(self) -> None:
        for place in wording("de").places.values():
            for adjective in re.findall(
                r"(?:im|in der|in den|auf den) ([\w-]*(?:isch|einigt|lich)\w*) \w", place
            ):
                assert adjective.endswith("en"), place


class TestItalian:
    def test_the_article_suits_the_sound_that_follows(self) -> None:
        for place in wording("it").places.values():
            assert not re.search(r"\b(?:nel|nei) (?:[aeiouAEIOU]|[sS][^aeiou]|[zZ])", place), place
            assert not re.search(r"\b(?:nella|sulla) [aeiouAEIOU]", place), place
            assert not re.search(r"\ba [aA]", place), place
            if place.startswith("negli "):
                assert re.match("negli (?:[AEIOU]|S[^aeiou])", place), place


class TestSpanish:
    def test_and_is_e_before_the_same_sound(self) -> None:
        for place in wording("es").places.values():
            assert not re.search(r"\by (?:[iI]|[hH][iI])", place), place
