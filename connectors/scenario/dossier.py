"""What a person's story is made of: who, in which country, found by whom, with which outcomes, at which moments."""

from typing import ClassVar

from connectors.scenario import steps as s
from connectors.scenario.cast import COUNTRIES, OTHER, Country
from connectors.scenario.distributions import after, branch, shares, wait
from connectors.scenario.draws import below
from connectors.scenario.people import Person, suspect, victim
from connectors.scenario.story import DETAIL_LANE, OTHER_LANE, SUBJECT_LANE, Event, Moment, Setting, Story

_COUNTRIES, _SCOPE = shares("countries"), shares("scope")
_FORMS, _GROUPS, _NATIONALS, _CORRIDORS, _FINDERS = (
    {code: shares(f"{name}.{code}") for code in COUNTRIES}
    for name in ("forms", "victims", "nationals", "corridors", "finders")
)
_OTHER_FORMS, _DECISIONS, _SERVICES = shares("other_forms"), shares("decisions"), shares("services")
_INVESTIGATORS, _SURRENDERS = shares("investigators"), shares("extradition_decisions")
_CONVICTED = shares("convicted")
_RATE = {name: branch(name) for name in (
    "accomplice", "after_control", "consent", "decided", "declined", "extradition", "restricted",
    "service_declined",
)}  # fmt: skip
_WAIT = {name: wait(name) for name in (
    "answer", "consent", "control", "decision", "new_offer", "offer", "service", "service_length",
)}  # fmt: skip


class Dossier(Story):
    """The facts of a person's story; the draws of `branch` and `wait` each decide one thing, by their place."""

    __slots__ = ("country", "finder", "form")
    EVENT_TYPES: ClassVar = s.EVENT_TYPES

    def __init__(self, setting: Setting, number: int, begins: Moment) -> None:
        super().__init__(setting, number, begins)
        drawn = self.branch
        code = _COUNTRIES.pick(drawn[0])
        self.country: Country = COUNTRIES[code]
        self.finder = _FINDERS[code].pick(drawn[1])
        form = _FORMS[code].pick(drawn[2])
        self.form = _OTHER_FORMS.pick(drawn[3]) if form == "OTHER" else form

    # ── Who ──

    def person(self) -> Person:
        """Return the person whose story it is."""
        code, drawn = self.country.code, self.branch
        return victim(
            self.draws(SUBJECT_LANE),
            group=_GROUPS[code].pick(drawn[5]),
            citizenship=_CORRIDORS[code].pick(drawn[6]) if self.foreign else code,
            restricted=self.restricted,
            day=self.day(self.found),
        )

    def suspect(self, *, accomplice: bool = False) -> Person:
        """Return who is suspected, or the accomplice."""
        drawn = self.draws(OTHER_LANE if accomplice else DETAIL_LANE)
        both = (self.country.code, self.country.code, OTHER[self.country.code].code)
        return suspect(drawn, citizenship=both[below(3, drawn[14])], day=self.day(self.begins))

    @property
    def foreign(self) -> bool:
        """Whether the person is a citizen of another country."""
        return _NATIONALS[self.country.code].pick(self.branch[4]) == "NO"

    def victim_role(self, at: Moment) -> str:
        """Return the person's part in the case at *at*."""
        return "VICTIM" if self.decision == "CONFIRMED" and at > self.decided else "PRESUMED_VICTIM"

    def victim_for(self, agency: str, at: Moment) -> Event:
        """Return the person as *agency* knows her or him at *at*."""
        return self.person().as_known_to(self.reference(agency, "V"), self.victim_role(at), self.day(at))

    @property
    def restricted(self) -> bool:
        """Whether a restricted note protects the person."""
        return self.branch[7] < _RATE["restricted"]

    @property
    def helper(self) -> str:
        """Return the agency to which the person is referred first."""
        if self.finder == "social-service":
            return self.country.agencies["counselling"]
        kinds = self.country.helpers
        return self.country.agencies[kinds[self.branch[8] % 3 % len(kinds)]]

    @property
    def other_helper(self) -> str:
        """Return the agency that is asked when the first one declines."""
        kinds = [kind for kind in self.country.helpers if self.country.agencies[kind] != self.helper]
        if kinds and kinds[0] != self.finder:
            return self.country.agencies[kinds[0]]
        return OTHER[self.country.code].agencies["counselling"]

    @property
    def supporter(self) -> str:
        """Return the agency that takes the person into support, if one does."""
        return self.other_helper if self.declined else self.helper

    @property
    def investigator(self) -> str:
        """Return the kind of agency that investigates."""
        return _INVESTIGATORS.pick(self.branch[9])

    # ── What comes of it ──

    @property
    def consented(self) -> bool:
        """Whether the person, or the guardian of a child, agreed to the referral."""
        return self.branch[10] < _RATE["consent"]

    @property
    def declined(self) -> bool:
        """Whether the agency that was asked first declines."""
        return self.branch[11] < _RATE["declined"]

    @property
    def decision(self) -> str | None:
        """Return the outcome of formal identification, None without one."""
        return _DECISIONS.pick(self.branch[13]) if self.branch[12] < _RATE["decided"] else None

    @property
    def transnational(self) -> bool:
        """Whether the trafficking crosses the border."""
        return _SCOPE.pick(self.branch[14]) == "TRANSNATIONAL"

    @property
    def surrender(self) -> str | None:
        """Return the decision on extradition, None when nobody is sought abroad."""
        sought = self.transnational and self.branch[15] < _RATE["extradition"]
        return _SURRENDERS.pick(self.branch[16]) if sought else None

    @property
    def convicted(self) -> bool:
        """Whether the verdict, if there is one, is a conviction."""
        return _CONVICTED.pick(self.branch[17]) == "YES"

    @property
    def has_accomplice(self) -> bool:
        """Whether a second person is suspected."""
        return self.branch[18] < _RATE["accomplice"]

    # ── When ──

    @property
    def found(self) -> Moment:
        """Return when the person is identified; a control may come before."""
        return after(self.begins, _WAIT["control"], self.wait[0]) if self.after_control else self.begins

    @property
    def after_control(self) -> bool:
        """Whether an inspection found the person."""
        return self.finder == "labour-inspectorate" and self.branch[19] < _RATE["after_control"]

    @property
    def decided(self) -> Moment:
        """Return when formal identification is decided, if it is."""
        return after(self.found, _WAIT["decision"], self.wait[1])

    def service_time(self, number: int) -> tuple[Moment, Moment]:
        """Return when service *number* is told to have begun and to have ended, without a look at the rest."""
        drawn = self.wait
        begun = after(self.supported, _WAIT["service"], drawn[4 + number])
        return begun, after(begun, _WAIT["service_length"], drawn[8 + number])

    @property
    def consent_time(self) -> Moment:
        """Return when consent is given, if it is."""
        return after(self.found, _WAIT["consent"], self.wait[2])

    @property
    def offered(self) -> Moment:
        """Return when the person is referred."""
        return after(self.consent_time, _WAIT["offer"], self.wait[3])

    @property
    def supported(self) -> Moment:
        """Return when an agency accepts the person, if one does."""
        drawn = self.wait
        answered = after(self.offered, _WAIT["answer"], drawn[12])
        if not self.declined:
            return answered
        return after(after(answered, _WAIT["new_offer"], drawn[13]), _WAIT["answer"], drawn[14])

    @property
    def services(self) -> int:
        """Return how many services the person is offered."""
        return int(_SERVICES.pick(self.branch[31]))

    def service_declined(self, number: int) -> bool:
        """Return whether the person declines service *number*; never the first."""
        return number > 0 and self.draws(DETAIL_LANE)[20 + number] < _RATE["service_declined"]
