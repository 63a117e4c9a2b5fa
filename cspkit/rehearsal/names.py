"""Names of the sample customers: ordinary ones, and ones that break careless programs."""

from __future__ import annotations

import random
import unicodedata

MARKETS = {"ES": "es", "IT": "it", "FR": "fr", "DE": "de", "PT": "pt", "US": "en"}
# where a user or a new customer may be: the codes of ISO 3166-1
_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN "
    "BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ "
    "DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL "
    "GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM "
    "JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME "
    "MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP "
    "NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD "
    "SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
    "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
)
COUNTRIES = frozenset(_COUNTRIES.split())

# Formulas, markup, quotes, other scripts: a name is whatever somebody once typed into a form.
HOSTILE = (
    ("=cmd|' /C calc'!A0 Servicios SL", "ES"),
    ("<b>Negrita</b> & Hijos, S.A.", "ES"),
    ('Café "El Ángel", S.L.', "ES"),
    ("O'Connor & Ñáñez, Abogados", "ES"),
    ("@SUM(1+1) Consultores SL", "ES"),
    ("+34 Telecomunicaciones, S.A.U.", "ES"),
    ("-Menos Residuos- SCOOP", "ES"),
    ("<img src=x onerror=alert(1)> Srl", "IT"),
    ("L'Été à la Plage, SARL", "FR"),
    ("Müller & Söhne GmbH & Co. KG", "DE"),
    ("{{7*7}} Modelli Srl", "IT"),
    ("../../etc/passwd Lda", "PT"),
    ("東京システムズ SL", "ES"),
    ("</script><script>alert(1)</script> LLC", "US"),
    ("Null, Inc.", "US"),
    ("Comunità Montana «Alta Val d'Elsa»; Servizi", "IT"),
)

_FIRST = {
    "ES": "Talleres Bodegas Clínica Gestoría Hoteles Transportes Farmacia Editorial Mueble Colegio",
    "IT": "Officine Cantine Studio Alberghi Trasporti Farmacia Edizioni Mobili Ceramiche Molino",
    "FR": "Ateliers Caves Cabinet Hôtels Transports Pharmacie Éditions Meubles Boulangerie Garage",
    "DE": "Werkstatt Weingut Kanzlei Hotel Spedition Apotheke Verlag Möbelhaus Bäckerei Gärtnerei",
    "PT": "Oficinas Adegas Clínica Hotéis Transportes Farmácia Editora Móveis Padaria Conservas",
    "US": "Northwind Harbor Summit Prairie Lakeside Granite Redwood Bluebird Copper Juniper",
}
_SECOND = {
    "ES": "Ibáñez Castaño Pírez Núñez Zubiría Gómez Alcañiz Peñarroya Güell Iturrioz Mañas Sáez",
    "IT": "Bellandi Niccolò Forlì Cantù Tropeano D'Amico Perù Mantovani Salò Grimaldi Rossi Zanon",
    "FR": "Lefèvre Château Béranger Noël Françoise d'Aubigné Hérault Garçon Moët Cœur Bréton Zoé",
    "DE": "Schröder Grüneberg Weiß Köhler Jäger Straßmann Bürger Lüneburg Höfer Mößner Zöllner Abt",
    "PT": "Gonçalves Simões Leitão Brandão Conceição Araújo Magalhães Évora Viseu Trindade Sá Luís",
    "US": "Dental Logistics Outfitters Robotics Bakery Analytics Roofing Pediatrics Brewing Metals "
    "Surveying Optics",
}
_LEGAL = {
    "ES": (" SL", ", S.L.", " S.A.", " S.L.U."),
    "IT": (" Srl", " S.p.A.", " S.n.c.", ", S.r.l."),
    "FR": (" SARL", " SAS", ", SA"),
    "DE": (" GmbH", " AG", " GmbH & Co. KG"),
    "PT": (", Lda.", " Lda", " S.A."),
    "US": (" LLC", ", Inc.", " Corp."),
}
_CITIES = {
    "ES": ("Madrid", "28013"),
    "IT": ("Bologna", "40121"),
    "FR": ("Lyon", "69002"),
    "DE": ("Köln", "50667"),
    "PT": ("Porto", "4050-001"),
    "US": ("Austin", "78701"),
}
_PEOPLE = (
    ("María", "Núñez"),
    ("Luca", "D'Amico"),
    ("Zoé", "Lefèvre"),
    ("Jürgen", "Weiß"),
    ("João", "Simões"),
    ("Ana", "Ruiz"),
    ("Ada", "Kowalska"),
    ("Noor", "Haddad"),
)


def companies(count: int, rng: random.Random) -> list[tuple[str, str]]:
    """Draw count different (name, market) pairs, the hostile ones first."""
    drawn = dict.fromkeys(HOSTILE[:count])
    names = {name for name, _ in drawn}
    while len(drawn) < count:
        market = rng.choices(list(MARKETS), weights=(44, 24, 10, 9, 7, 6))[0]
        name = (
            f"{rng.choice(_FIRST[market].split())} {rng.choice(_SECOND[market].split())}"
            f"{rng.choice(_LEGAL[market])}"
        )
        if name in names:
            name = f"{name} {rng.randint(2, 99)}"
        if name not in names:
            names.add(name)
            drawn[(name, market)] = None
    return list(drawn)


def city(market: str) -> tuple[str, str]:
    """Give the city and postal code of a market's customers; empty for a market not drawn."""
    return _CITIES.get(market, ("", ""))


def person(rng: random.Random) -> tuple[str, str]:
    """Draw a first and a last name."""
    return rng.choice(_PEOPLE)


def domain(name: str, number: int) -> str:
    """Make a domain that nobody can own out of a company name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    letters = "".join(letter for letter in plain if letter.isalnum())
    return f"{letters[:20] or 'customer'}{number}.example"
