"""Who may see what: `decide(facts, audience, agreements, consents, now, approvals)`, pure and total (design section 8).

The rules, in the order in which they are asked. The first that an agreement fails is its reason; the audience gets
the event when one agreement passes all of them.

 0  an event that its agency wanted to be valid until a moment that has passed is not passed on
 1  handling code H3 is held until an officer of its agency and one of the operator approved, two persons; H2 needs
    the approval of an officer of its agency; H1 bars use in proceedings; an approval is for one event and audience
 2  TLP:RED goes to named recipients only: the one that the event is addressed to (FIRST TLP 2.0)
 3  an agreement with this audience, not withdrawn, in force today                (guidelines C.1.4)
 4  … that covers the agency, the event type, the purpose of the envelope
 4b … whose limits it keeps: handling codes, traffic light, categories of data, where the agreement names any
 5  … for referrals: only the organisation that was asked; for requests: the requested state (C.3.1, C.4.2)
 6  … whose roles cover the person of the event; of lists, persons in other roles are left out (need to know)
 7  … that names a legal basis of the envelope; "consent" counts only where the consent itself is known,
    was given to the agency of the event, and covers all that the event tells
 8  the view: what the agreement gives, but a restricted note shows an anonymous number to everybody (C.1.4)
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from infra.approvals import Approval
from infra.consents import Consent
from infra.topology.agreements import Agreement
from schemas.codec import Record
from schemas.names import AgencyId, PartnerId, SubjectId

RULES_VERSION = 3
"""Counts up whenever a rule below changes; every decision names it."""
OPERATOR = "hub-operator"
"""The organisation of the operator's own officers."""
MANUAL_RELEASE_PERSONS = 2
View = Literal["personal", "pseudonymous"]

BEYOND_THE_ADDRESSEE = frozenset({"CLEAR", "GREEN", "AMBER", "AMBER+STRICT"})
"""Traffic lights that an agreement may open; RED, and one that nobody knows, stays with the addressee."""
PROCEEDINGS = frozenset({"PROSECUTE", "EXTRADITE_MLA"})
"""Purposes for which an event under handling code H1 may not be used."""
VITAL_BASES = frozenset({"GDPR:6.1.d", "GDPR:9.2.c"})
"""The vital interests of a person: what alone carries a referral that the person refused (guidelines C.1.4, C.3.3)."""
CONSENT_BASES = frozenset({"GDPR:6.1.a", "GDPR:9.2.a"})
"""Legal bases that are nothing without a consent that covers recipient and purpose."""


EVERYTHING = frozenset(
    {"IDENTITY", "CONTACT", "PROFILE", "STORY", "HEALTH", "SERVICES", "WHEREABOUTS", "PROCEEDINGS"},
)
"""All categories of data that a consent can name."""
TOLD: Mapping[str, frozenset[str]] = {
    "ReferralOffered": frozenset({"IDENTITY", "CONTACT", "PROFILE", "SERVICES"}),
    "ReferralAnswered": frozenset({"IDENTITY", "CONTACT", "PROFILE", "SERVICES"}),
}
"""Categories of data that an event tells, and a consent must name; of every other type all of them."""

ADDRESSED_STATE: Mapping[str, str] = {
    "ExtraditionRequested": "requested_state",
    "LegalAssistanceRequested": "requested_state",
    "ExtraditionDecided": "requesting_state",
    "PersonSurrendered": "requesting_state",
    "LegalAssistanceAnswered": "requesting_state",
}
"""Which state an event is addressed to: a request to the one that is asked, an answer to the one that asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What the rules ask of one person of an event."""

    path: str
    subject: SubjectId
    role: str
    restricted: bool
    """Whether a restricted note protects the person; unknown counts as yes."""

    @property
    def listed(self) -> bool:
        """Whether the person is one of a list, and so can be left out."""
        return self.path.endswith("]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules ask of an event; no name, no date of birth, no text."""

    event_id: str = ""
    event_type: str
    agency: AgencyId
    purpose: str
    legal_bases: frozenset[str]
    handling: str
    tlp: str
    valid_until: dt.datetime | None = None
    persons: tuple[PersonFacts, ...] = ()
    addressees: frozenset[str] = frozenset()
    """Whom the event is addressed to: the organisation that is asked, or those of the requested state."""
    consent_given: bool = False
    """Whether the event itself carries the person's consent to be referred to its addressee."""
    refused: bool = False
    """Whether the person said no to this referral."""
    erased: bool = False
    """Whether the key of a person of the event was destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The audience gets the event in this view, under this agreement."""

    view: View
    agreement: Agreement
    reasons: tuple[str, ...]
    left_out: frozenset[str] = frozenset()
    """Paths of the persons in lists whom this audience has no need to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withhold:
    """The audience does not get the event, for these reasons."""

    reasons: tuple[str, ...]


Decision = Release | Withhold


def decide(
    facts: Facts,
    audience: PartnerId,
    agreements: Iterable[Agreement],
    consents: Collection[Consent],
    now: dt.datetime,
    approvals: Collection[Approval] = (),
) -> Decision:
    """Return whether *audience* gets the event, in which view, and why; never raises.

    *approvals* are genuine: who signed them was checked before.
    """
    barred = _bar(facts, audience, now, approvals)
    if barred is not None:
        return Withhold(reasons=(barred,))
    own = [agreement for agreement in agreements if agreement.partner == audience]
    if not own:
        return Withhold(reasons=("no-agreement",))
    failures: list[str] = []
    passed: list[Agreement] = []
    for agreement in own:
        failure = _failure(facts, audience, agreement, consents, now)
        if failure is None:
            passed.append(agreement)
        else:
            failures.append(failure)
    if not passed:
        return Withhold(reasons=tuple(sorted(set(failures))))
    best = max(passed, key=lambda agreement: (agreement.view == "personal", agreement.id, agreement.version))
    kept = _kept(facts, best)
    left_out = frozenset(person.path for person in facts.persons if person not in kept)
    # Of one person in two roles, as suspect and as victim, each entry shows who the other one is.
    protected = {person.subject for person in facts.persons if person.restricted}
    restricted = best.view == "personal" and any(person.subject in protected for person in kept)
    return Release(
        view="pseudonymous" if restricted else best.view,
        agreement=best,
        reasons=(
            "agreed",
            *(["approved"] if facts.handling in ("H2", "H3") else []),
            *(["restricted-note"] if restricted else []),
            *(["persons-left-out"] if left_out else []),
        ),
        left_out=left_out,
    )


def _bar(facts: Facts, audience: PartnerId, now: dt.datetime, approvals: Collection[Approval]) -> str | None:
    """Return what keeps the event from *audience* whatever was agreed, None when nothing does."""
    if facts.erased:
        return "erased"
    if facts.valid_until is not None and facts.valid_until <= now:
        return "no-longer-valid"
    approved = _approved_by(facts, audience, now, approvals)
    if facts.handling == "H3" and len(approved) < MANUAL_RELEASE_PERSONS:
        return "held-for-manual-release"
    if facts.handling == "H2" and str(facts.agency) not in approved:
        return "needs-permission-of-owner"
    if facts.handling == "H1" and facts.purpose in PROCEEDINGS:
        return "not-for-proceedings"
    if facts.handling not in ("H0", "H1", "H2", "H3"):
        return "unknown-handling-code"
    if facts.tlp not in BEYOND_THE_ADDRESSEE and audience not in facts.addressees:
        return "tlp-red-not-addressed"
    return None


def _approved_by(
    facts: Facts, audience: PartnerId, now: dt.datetime, approvals: Collection[Approval]
) -> frozenset[str]:
    """Return which of the two organisations that count approved the event for *audience*; one alone if they are one."""
    return frozenset(
        each.organisation
        for each in approvals
        if each.event_id == facts.event_id
        and each.audience == audience
        and each.holds_at(now)
        and each.organisation in (str(facts.agency), OPERATOR)
    )


def _kept(facts: Facts, agreement: Agreement) -> tuple[PersonFacts, ...]:
    """Return the persons of the event whom *agreement* covers."""
    return tuple(person for person in facts.persons if person.role in agreement.roles)


def _failure(
    facts: Facts, audience: PartnerId, agreement: Agreement, consents: Collection[Consent], now: dt.datetime
) -> str | None:
    """Return the first rule that *agreement* fails for the event, None when it passes all."""
    today = now.date()
    if today > agreement.valid_until:
        return "agreement-expired"
    if today < agreement.valid_from:
        return "agreement-not-yet-valid"
    if facts.agency not in agreement.agencies:
        return "agency-not-agreed"
    if facts.event_type not in agreement.event_types:
        return "event-type-not-agreed"
    if facts.purpose not in agreement.purposes:
        return "purpose-not-agreed"
    if (beyond := _beyond_limits(facts, agreement)) is not None:
        return beyond
    if agreement.only_addressee and audience not in facts.addressees:
        return "not-the-addressee"
    kept = _kept(facts, agreement)
    if any(not person.listed and person not in kept for person in facts.persons) or (facts.persons and not kept):
        return "role-not-agreed"
    return _failure_of_basis(facts, audience, agreement, consents, now)


def _beyond_limits(facts: Facts, agreement: Agreement) -> str | None:
    """Return which limit of *agreement* the event goes beyond, None when it keeps them all."""
    if agreement.handling is not None and facts.handling not in agreement.handling:
        return "handling-not-agreed"
    if not agreement.passes_tlp(facts.tlp):
        return "tlp-not-agreed"
    if agreement.categories is not None and not _told(facts) <= set(agreement.categories):
        return "category-not-agreed"
    return None


def _told(facts: Facts) -> frozenset[str]:
    """Return the categories of data that the event may tell; none of an event about nobody."""
    return TOLD.get(facts.event_type, EVERYTHING) if facts.persons else frozenset()


def _failure_of_basis(
    facts: Facts, audience: PartnerId, agreement: Agreement, consents: Collection[Consent], now: dt.datetime
) -> str | None:
    shared = facts.legal_bases & set(agreement.legal_bases)
    if not shared:
        return "no-agreed-legal-basis"
    if facts.refused and not shared & VITAL_BASES:
        return "refused-by-the-person"
    if shared - CONSENT_BASES:
        return None
    if facts.consent_given and audience in facts.addressees:
        return None
    told = _told(facts)
    consented = {
        consent.subject
        for consent in consents
        if consent.recipient == audience
        and consent.purpose == facts.purpose
        and consent.agency == facts.agency
        and consent.categories >= told
        and consent.holds_at(now)
    }
    subjects = {person.subject for person in _kept(facts, agreement)}
    return None if subjects and subjects <= consented else "no-consent"


def facts_of(
    event_type: str,
    record: Mapping[str, object],
    people: Mapping[str, Mapping[str, object]],
    of_country: Mapping[str, frozenset[str]],
    protected: Collection[SubjectId] = (),
) -> Facts:
    """Return the facts of an opened ledger *record* that speaks of *people* (by path).

    *of_country* gives the partners of each country (alpha-3), so that a request reaches the state that is asked.
    *protected* are the persons whom a restricted note protects since an earlier event.
    """
    envelope = cast("Record", record["envelope"])
    erased = any(not isinstance(person.get(name), str) for person in people.values() for name in ("role", "restricted"))
    addressees = frozenset({str(record["to_agency"])}) if "to_agency" in record else frozenset()
    return Facts(
        event_id=str(envelope["event_id"]),
        event_type=event_type,
        agency=AgencyId(str(envelope["agency"])),
        purpose=str(envelope["purpose"]),
        legal_bases=frozenset(cast("list[str]", envelope["legal_basis"])),
        handling=str(envelope["handling"]),
        tlp=str(envelope["tlp"]),
        valid_until=cast("dt.datetime | None", envelope.get("valid_until")),
        persons=tuple(
            PersonFacts(
                path=path,
                subject=SubjectId(str(person["subject"])),
                role=str(person.get("role")),
                restricted=person.get("restricted") != "NO" or SubjectId(str(person["subject"])) in protected,
            )
            for path, person in people.items()
        ),
        addressees=addressees | of_country.get(str(record.get(ADDRESSED_STATE.get(event_type, ""))), frozenset()),
        consent_given=record.get("consent_to_referral") == "YES",
        refused=record.get("consent_to_referral") == "NO",
        erased=erased,
    )
