"""Invented persons. Every name carries "Invented", every number "INVENTED", so that nobody takes one for a person."""

from datetime import date

from connectors.scenario.distributions import branch, shares
from connectors.scenario.draws import DRAW_BITS, Draws, below, one_of
from connectors.scenario.story import Event, day_text

FIRST = {
    "F": ("Mara", "Elena", "Ivana", "Sofia", "Milica", "Desislava", "Ana", "Tsveta"),
    "M": ("Marko", "Ivan", "Stefan", "Georgi", "Nikola", "Petar", "Luka", "Dimitar"),
}
LAST = ("Petrova", "Jovanovic", "Dimitrova", "Nikolic", "Ivanova", "Stojanovic", "Marinova", "Ilic")
DOCUMENTS = ("PASSPORT", "IDENTITY_CARD", "PASSPORT", "RESIDENCE_PERMIT")
CONTACTS = ("PHONE", "EMAIL", "ADDRESS", "ACCOUNT")
YEAR_DAYS = 365.25
ADULT_AGE_YEARS = 18
_SPANS = {
    "0-8": (3, 9), "9-17": (9, 18), "18-20": (18, 21), "21-23": (21, 24), "24-26": (24, 27), "27-29": (27, 30),
    "30-38": (30, 39), "39-47": (39, 48), "48+": (48, 66),
}  # fmt: skip
"""From which birthday until before which one, in years."""
_KNOWN = branch("birth_known")


class Person:
    """An invented person, the same to all who tell of her or him."""

    __slots__ = ("_adult_from", "_born", "_drawn", "_female", "citizenship", "restricted")

    def __init__(self, drawn: Draws, *, female: bool, born: int, citizenship: str, restricted: bool) -> None:
        birth = date.fromordinal(born)
        day = min(birth.day, 28)  # nobody is born on a day that some years do not have
        self._born = born - birth.day + day
        self._adult_from = date(birth.year + ADULT_AGE_YEARS, birth.month, day).toordinal()
        self._drawn = drawn
        self._female = female
        self.citizenship = citizenship
        self.restricted = restricted

    def is_child(self, day: int) -> bool:
        """Return whether the person is under 18 on *day*."""
        return day < self._adult_from

    def group(self, day: int) -> str:
        """Return woman, man, girl or boy, as it is on *day*."""
        if self.is_child(day):
            return "GIRL" if self._female else "BOY"
        return "WOMAN" if self._female else "MAN"

    @property
    def female(self) -> bool:
        """Whether she is a woman or girl."""
        return self._female

    def as_known_to(self, reference: str, role: str, day: int) -> Event:
        """Return the person on *day* as an agency knows her or him under *reference*."""
        drawn = self._drawn
        found: Event = {
            "person_ref": reference,
            "role": role,
            "restricted": "YES" if self.restricted else "NO",
            "group": self.group(day),
            "full_name": self._name(),
            "citizenships": [self.citizenship],
        }
        if drawn[0] < _KNOWN:
            found["date_of_birth"] = day_text(self._born)
        else:
            found["age_band"] = _band((day - self._born) / YEAR_DAYS, child=self.is_child(day))
        return found

    def documents(self) -> list[Event]:
        """Return the documents that an officer saw."""
        drawn = self._drawn
        number = f"INVENTED-{drawn[1] << DRAW_BITS | drawn[2]:010}"
        return [{"kind": one_of(DOCUMENTS, drawn[3]), "number": number, "issuing_country": self.citizenship}]

    def contacts(self) -> list[Event]:
        """Return how to reach the person."""
        return [{"kind": one_of(CONTACTS, self._drawn[4]), "value": f"INVENTED-{self._drawn[5]:05}{self._drawn[6]:05}"}]

    def alias(self) -> str:
        """Return another name of the person."""
        return f"Invented Alias {self._drawn[7]:05}"

    def _name(self) -> str:
        drawn = self._drawn
        first = one_of(FIRST["F" if self._female else "M"], drawn[8])
        return f"Invented {first} {one_of(LAST, drawn[9])}-{drawn[10] << DRAW_BITS | drawn[11]:010}"


_MINORS, _ADULTS = shares("ages.minor"), shares("ages.adult")
_SUSPECTS = shares("suspects")


def victim(drawn: Draws, *, group: str, citizenship: str, restricted: bool, day: int) -> Person:
    """Return a presumed victim of *group* as found on *day*."""
    ages = _MINORS if group in ("GIRL", "BOY") else _ADULTS
    return Person(
        drawn,
        female=group in ("GIRL", "WOMAN"),
        born=_born(ages.pick(drawn[12]), drawn[13], day),
        citizenship=citizenship,
        restricted=restricted,
    )


def suspect(drawn: Draws, *, citizenship: str, day: int) -> Person:
    """Return an adult suspect."""
    return Person(
        drawn,
        female=_SUSPECTS.pick(drawn[12]) == "WOMAN",
        born=day - round(20 * YEAR_DAYS) - below(round(40 * YEAR_DAYS), drawn[13]),
        citizenship=citizenship,
        restricted=False,
    )


def _born(band: str, drawn: int, day: int) -> int:
    """Return a day of birth of *band* as seen on *day*, clear of both ends of the band."""
    least, most = _SPANS[band]
    youngest, oldest = round(least * YEAR_DAYS) + 32, round(most * YEAR_DAYS) - 8
    return day - youngest - below(oldest - youngest, drawn)


def _band(years: float, *, child: bool) -> str:
    if child:
        return "0-8" if years < _SPANS["0-8"][1] else "9-17"
    return next((band for band, (_, most) in _SPANS.items() if years < most and most > ADULT_AGE_YEARS), "48+")
