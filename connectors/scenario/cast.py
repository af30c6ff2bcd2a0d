"""Who acts: the agencies of both countries, as `infra/topology/topology.toml` has them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """Who acts in one country."""

    code: str
    prefix: str
    language: str
    currency: str
    helpers: tuple[str, ...]
    """Kinds of agencies that take persons into support, the usual one first."""
    agencies: Mapping[str, str]
    """The agency of each kind."""


_KINDS = (
    "police", "border-police", "prosecution", "labour-inspectorate", "counselling", "justice", "secretariat",
)  # fmt: skip


def _country(code: str, prefix: str, language: str, currency: str, helpers: tuple[str, ...], own: str) -> Country:
    kinds = (*_KINDS, own)
    return Country(
        code=code,
        prefix=prefix,
        language=language,
        currency=currency,
        helpers=helpers,
        agencies={kind: f"{prefix}-{kind}" for kind in kinds},
    )


SERBIA = _country("SRB", "rs", "srp", "RSD", ("counselling", "social-service"), "social-service")
BULGARIA = _country("BGR", "bg", "bul", "BGN", ("counselling",), "consular-service")
COUNTRIES: Mapping[str, Country] = {"SRB": SERBIA, "BGR": BULGARIA}
OTHER: Mapping[str, Country] = {"SRB": BULGARIA, "BGR": SERBIA}

AGENCIES: tuple[str, ...] = tuple(sorted(agency for each in COUNTRIES.values() for agency in each.agencies.values()))
"""All sixteen."""

LETTERS: Mapping[str, str] = {
    "police": "PO", "border-police": "BP", "prosecution": "PR", "labour-inspectorate": "LI", "counselling": "CC",
    "social-service": "SS", "consular-service": "CS", "justice": "MJ", "secretariat": "NS",
}  # fmt: skip
"""With what the references of an agency begin, so that no two agencies know a person under one reference."""

CODES: Mapping[str, str] = {
    agency: f"{LETTERS[kind]}{country.prefix.upper()}"
    for country in COUNTRIES.values()
    for kind, agency in country.agencies.items()
}
BASES: Mapping[str, tuple[str, ...]] = {
    agency: {
        "counselling": ("GDPR:6.1.a", "GDPR:6.1.e"),
        "social-service": ("GDPR:6.1.e",),
        "labour-inspectorate": ("GDPR:6.1.e",),
        "consular-service": ("GDPR:6.1.e",),
        "secretariat": ("GDPR:6.1.e",),
    }.get(kind, ("LED:8",))
    for country in COUNTRIES.values()
    for kind, agency in country.agencies.items()
}
"""The legal basis on which each agency usually acts."""
DECIDES: Mapping[str, str] = {
    "police": "POLICE", "border-police": "BORDER_IMMIGRATION", "prosecution": "COURT_PROSECUTION",
    "labour-inspectorate": "LABOUR_INSPECTION", "counselling": "NGO", "social-service": "SOCIAL_HEALTH",
    "consular-service": "CONSULAR",
}  # fmt: skip
"""Each kind of agency as a code of `deciding_body`."""
