"""Invented persons. Every name carries "Invented", every number "INVENTED", so that nobody takes one for a person."""

import datetime as dt
from random import Random

Person = dict[str, object]

GROUPS = ("WOMAN", "MAN", "GIRL", "BOY")
GROUP_WEIGHTS = (43_200, 13_073, 11_118, 6_963)
FIRST = {
    "F": ("Mara", "Elena", "Ivana", "Sofia", "Milica", "Desislava", "Ana", "Tsveta"),
    "M": ("Marko", "Ivan", "Stefan", "Georgi", "Nikola", "Petar", "Luka", "Dimitar"),
}
LAST = ("Petrova", "Jovanovic", "Dimitrova", "Nikolic", "Ivanova", "Stojanovic", "Marinova", "Ilic")
CITIZENSHIPS = ("SRB", "BGR", "MDA", "UKR", "ROU", "MKD", "ALB", "NPL")


def victim(random: Random, reference: str, today: dt.date) -> Person:
    """Return a presumed victim; one in ten is protected by a restricted note."""
    group = random.choices(GROUPS, GROUP_WEIGHTS)[0]
    years = random.randint(8, 16) if group in ("GIRL", "BOY") else random.randint(19, 45)
    born = dt.date(today.year - years, random.randint(1, 12), random.randint(1, 28))
    return {
        "person_ref": reference,
        "role": "PRESUMED_VICTIM",
        "restricted": "YES" if random.random() < 0.1 else "NO",
        "group": group,
        "date_of_birth": born.isoformat(),
        "full_name": _name(random, group),
        "identity_documents": [
            {"kind": "PASSPORT", "number": f"INVENTED-{random.randrange(10**9):09}", "issuing_country": "BGR"}
        ],
        "contacts": [{"kind": "PHONE", "value": f"+000 INVENTED {random.randrange(10**7):07}"}],
        "citizenships": [random.choice(CITIZENSHIPS)],
    }


def suspect(random: Random, reference: str) -> Person:
    """Return an adult suspect."""
    group = random.choices(("MAN", "WOMAN"), (2, 1))[0]
    return {
        "person_ref": reference,
        "role": "SUSPECT",
        "restricted": "NO",
        "group": group,
        "date_of_birth": dt.date(random.randint(1965, 1998), random.randint(1, 12), 15).isoformat(),
        "full_name": _name(random, group),
        "aliases": [f"Invented Alias {random.randrange(10**5):05}"],
        "citizenships": [random.choice(CITIZENSHIPS)],
    }


def accused(person: Person) -> Person:
    """Return the same person once charged."""
    return {**person, "role": "ACCUSED"}


def _name(random: Random, group: str) -> str:
    first = random.choice(FIRST["F" if group in ("WOMAN", "GIRL") else "M"])
    return f"Invented {first} {random.choice(LAST)}-{random.randrange(10**6):06}"
