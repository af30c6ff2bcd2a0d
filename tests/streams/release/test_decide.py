"""Who may see what: the rules one by one, and what holds for any event and any agreements."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infra.approvals import Approval
from infra.topology.agreements import Agreement
from schemas.catalogue import contracts
from schemas.codelists import code_list
from schemas.names import AgencyId, PartnerId, SubjectId
from streams.release.decide import (
    CONSENT_BASES,
    VITAL_BASES,
    Consent,
    Facts,
    PersonFacts,
    Release,
    Withhold,
    decide,
)
from streams.release.told import EVERYTHING, TOLD

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
EUROPOL, SELEC = PartnerId("europol"), PartnerId("selec")
CODES = {name: sorted(code_list(name).codes) for name in ("handling", "tlp", "purpose", "legal_basis", "person_role")}
TYPES = [known.name for known in contracts()]
PARTNERS = ("europol", "selec", "rs-counselling")
AGENCIES = ("rs-police", "bg-police")

AGREEMENT = Agreement(
    id="a",
    version=1,
    title="t",
    basis="b",
    agencies=(AgencyId("rs-police"),),
    partner=EUROPOL,
    event_types=("PersonIdentified", "InvestigationOpened"),
    purposes=("INVESTIGATE",),
    roles=("VICTIM", "SUSPECT"),
    view="personal",
    legal_bases=("LED:8", "GDPR:6.1.a"),
    valid_from=dt.date(2020, 1, 1),
    valid_until=dt.date(2030, 12, 31),
    retention_days=30,
    onward_sharing=False,
)


def person(path: str = "person", role: str = "VICTIM", *, restricted: bool = False) -> PersonFacts:
    return PersonFacts(path=path, subject=SubjectId(f"subject-{path}"), role=role, restricted=restricted)


FACTS = Facts(
    event_id="e1",
    event_type="PersonIdentified",
    agency=AgencyId("rs-police"),
    purpose="INVESTIGATE",
    legal_bases=frozenset({"LED:8"}),
    handling="H0",
    tlp="GREEN",
    persons=(person(),),
)


def decided(changes: dict[str, Any] | None = None, consents: Any = (), now: Any = NOW, **agreement: Any) -> Any:
    facts = dataclasses.replace(FACTS, **(changes or {}))
    return decide(facts, EUROPOL, [dataclasses.replace(AGREEMENT, **agreement)], consents, now)


def reason(*arguments: Any, **agreement: Any) -> str:
    found = decided(*arguments, **agreement)
    assert isinstance(found, Withhold), found
    assert len(found.reasons) == 1
    return found.reasons[0]


def test_an_event_that_an_agreement_covers_is_released_in_its_view() -> None:
    assert decided() == Release(view="personal", agreement=AGREEMENT, reasons=("agreed",))
    assert decided(view="pseudonymous").view == "pseudonymous"


def test_without_an_agreement_nothing_passes() -> None:
    assert decide(FACTS, EUROPOL, [], (), NOW) == Withhold(reasons=("no-agreement",))
    assert decide(FACTS, SELEC, [AGREEMENT], (), NOW) == Withhold(reasons=("no-agreement",))


@pytest.mark.parametrize(
    ("agreement", "expected"),
    [
        ({"valid_until": dt.date(2026, 11, 23)}, "agreement-expired"),
        ({"valid_from": dt.date(2026, 11, 25)}, "agreement-not-yet-valid"),
        ({"agencies": ("bg-police",)}, "agency-not-agreed"),
        ({"event_types": ("ControlFinding",)}, "event-type-not-agreed"),
        ({"purposes": ("PROTECT",)}, "purpose-not-agreed"),
        ({"only_addressee": True}, "not-the-addressee"),
        ({"roles": ("SUSPECT",)}, "role-not-agreed"),
        ({"legal_bases": ("GDPR:6.1.e",)}, "no-agreed-legal-basis"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_rule_of_an_agreement_withholds_by_itself(agreement: dict[str, Any], expected: str) -> None:
    assert reason(**agreement) == expected


@pytest.mark.parametrize("day", ["valid_from", "valid_until"])
def test_an_agreement_holds_on_its_first_and_on_its_last_day(day: str) -> None:
    assert isinstance(decided(**{day: NOW.date()}), Release)


@pytest.mark.parametrize(
    ("handling", "expected"),
    [("H2", "needs-permission-of-owner"), ("H3", "held-for-manual-release"), ("H9", "unknown-handling-code")],
)
def test_a_handling_code_above_h1_withholds(handling: str, expected: str) -> None:
    assert reason({"handling": handling}) == expected


@pytest.mark.parametrize("purpose", ["PROSECUTE", "EXTRADITE_MLA"])
def test_what_may_not_be_used_in_proceedings_is_not_released_for_them(purpose: str) -> None:
    found = decided({"handling": "H1", "purpose": purpose}, purposes=(purpose,))

    assert found == Withhold(reasons=("not-for-proceedings",))
    assert isinstance(decided({"handling": "H1"}), Release)


def test_an_event_past_its_validity_is_not_released() -> None:
    assert decided({"valid_until": NOW}) == Withhold(reasons=("no-longer-valid",))
    assert isinstance(decided({"valid_until": NOW + dt.timedelta(seconds=1)}), Release)


def approval(by: str = "rs-police/1", **changes: Any) -> Approval:
    made = Approval(
        approval_id=by,
        event_id="e1",
        audience=EUROPOL,
        approved_by=by,
        reason="r",
        approved_at=NOW,
        valid_until=NOW + dt.timedelta(days=1),
        key_id="k",
        signature=b"",
    )
    return dataclasses.replace(made, **changes)


def test_every_handling_code_of_the_list_has_a_rule() -> None:
    for code in CODES["handling"]:
        found = decided({"handling": code})
        assert isinstance(found, Release) is (code in ("H0", "H1"))


def test_tlp_red_reaches_the_addressee_alone() -> None:
    assert reason({"tlp": "RED"}) == "tlp-red-not-addressed"
    assert isinstance(decided({"tlp": "RED", "addressees": frozenset({"europol"})}), Release)
    assert reason({"tlp": "RED", "addressees": frozenset({"selec"})}) == "tlp-red-not-addressed"


def test_a_traffic_light_that_is_not_known_is_red() -> None:
    assert reason({"tlp": "PURPLE"}) == "tlp-red-not-addressed"


def consent(**changes: Any) -> Consent:
    made = Consent(
        event_id="e",
        consent_id="c",
        agency=AgencyId("rs-police"),
        categories=EVERYTHING,
        subject=SubjectId("subject-person"),
        recipient=EUROPOL,
        purpose="INVESTIGATE",
        until=NOW + dt.timedelta(days=1),
    )
    return dataclasses.replace(made, **changes)


def test_a_referral_that_the_person_refused_needs_vital_interests() -> None:
    vital = {"legal_bases": frozenset({"LED:8", "GDPR:6.1.d"})}
    agreed = [dataclasses.replace(AGREEMENT, legal_bases=("LED:8", "GDPR:6.1.d"))]
    assert reason({"refused": True}) == "refused-by-the-person"
    assert reason({"refused": True, **vital}) == "refused-by-the-person"  # the agreement does not name them
    assert isinstance(decide(dataclasses.replace(FACTS, refused=True, **vital), EUROPOL, agreed, (), NOW), Release)


def test_a_restricted_person_is_never_shown_as_a_person() -> None:
    found = decided({"persons": (person(restricted=True),)})
    assert (found.view, found.reasons) == ("pseudonymous", ("agreed", "restricted-note"))


def test_persons_in_other_roles_are_left_out_of_lists() -> None:
    several = (person("suspects[0]", "SUSPECT"), person("victims[0]", "WITNESS"), person("victims[1]"))
    found = decided({"persons": several})
    assert found.left_out == {"victims[0]"}
    assert found.reasons == ("agreed", "persons-left-out")


def test_a_restricted_person_who_is_left_out_restricts_nobody() -> None:
    found = decided({"persons": (person("suspects[0]", "SUSPECT"), person("victims[0]", "WITNESS", restricted=True))})
    assert found.view == "personal"
    assert found.left_out == {"victims[0]"}


def test_one_person_in_two_roles_is_restricted_when_either_entry_says_so() -> None:
    suspect = person("suspects[0]", "SUSPECT")
    victim = dataclasses.replace(person("victims[0]", "WITNESS", restricted=True), subject=suspect.subject)

    found = decided({"persons": (suspect, victim)})

    assert found.view == "pseudonymous"


def test_an_event_about_persons_none_of_whom_is_covered_is_withheld() -> None:
    assert reason({"persons": (person("victims[0]", "WITNESS"),)}) == "role-not-agreed"


def test_an_erased_person_is_told_to_nobody() -> None:
    assert reason({"erased": True}) == "erased"


WIDE = dataclasses.replace(
    AGREEMENT,
    agencies=tuple(map(AgencyId, AGENCIES)),
    event_types=tuple(TYPES),
    purposes=(*CODES["purpose"], ""),
)
words = st.text("ab", max_size=2)
roles = st.sampled_from([*CODES["person_role"], "UNHEARD"])
facts_strategy = st.builds(
    Facts,
    event_type=st.sampled_from([*TYPES, "Unheard"]),
    agency=st.sampled_from(AGENCIES),
    purpose=st.sampled_from(CODES["purpose"][:4]) | words,
    legal_bases=st.frozensets(st.sampled_from(CODES["legal_basis"]), max_size=4),
    handling=st.sampled_from(["H0", "H0", "H0", "H1", *CODES["handling"], ""]),
    tlp=st.sampled_from(["GREEN", "CLEAR", *CODES["tlp"], ""]),
    persons=st.lists(
        st.builds(
            PersonFacts,
            path=st.sampled_from(["person", "suspects[0]", "suspects[1]", "victims[0]", "victims[1]"]),
            subject=st.sampled_from(["s1", "s2"]),
            role=roles,
            restricted=st.booleans(),
        ),
        max_size=4,
        unique_by=lambda person: person.path,
    ).map(tuple),
    addressees=st.frozensets(st.sampled_from(PARTNERS), max_size=2),
    consent_given=st.booleans(),
    refused=st.booleans(),
    erased=st.sampled_from([False, False, False, True]),
)
agreement_strategy = st.builds(
    Agreement,
    id=st.sampled_from(["a", "b", "c"]),
    version=st.integers(1, 3),
    title=st.just("t"),
    basis=st.just("b"),
    agencies=st.just(AGENCIES) | st.just(AGENCIES[:1]),
    partner=st.sampled_from(PARTNERS),
    event_types=st.just(tuple(TYPES)) | st.lists(st.sampled_from(TYPES), max_size=2).map(tuple),
    purposes=st.just(tuple(CODES["purpose"])) | st.lists(st.sampled_from(CODES["purpose"]), max_size=2).map(tuple),
    roles=st.just(tuple(CODES["person_role"])) | st.lists(roles, max_size=3).map(tuple),
    view=st.sampled_from(["personal", "pseudonymous"]),
    legal_bases=st.just(tuple(CODES["legal_basis"])) | st.lists(st.sampled_from(CODES["legal_basis"])).map(tuple),
    valid_from=st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)) | st.just(dt.date(2020, 1, 1)),
    valid_until=st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)) | st.just(dt.date(2030, 1, 1)),
    retention_days=st.just(1),
    onward_sharing=st.booleans(),
    only_addressee=st.booleans(),
)
agreement_strategy |= st.builds(
    lambda partner, **changes: dataclasses.replace(WIDE, partner=partner, **changes),
    st.sampled_from(PARTNERS),
    id=st.sampled_from(["d", "e"]),
    view=st.sampled_from(["personal", "pseudonymous"]),
    legal_bases=st.just(tuple(CODES["legal_basis"])) | st.just(tuple(sorted(CONSENT_BASES))),
    roles=st.just((*CODES["person_role"], "UNHEARD")) | st.just(("VICTIM", "SUSPECT")),
)
consent_strategy = st.builds(
    Consent,
    event_id=st.just("e"),
    consent_id=st.just("c"),
    agency=st.sampled_from(AGENCIES),
    categories=st.just(EVERYTHING) | st.frozensets(st.sampled_from(sorted(EVERYTHING))),
    subject=st.sampled_from(["s1", "s2"]),
    recipient=st.sampled_from(PARTNERS),
    purpose=st.sampled_from(CODES["purpose"][:4]),
    until=st.sampled_from([None, NOW - dt.timedelta(1), NOW, NOW + dt.timedelta(1)]),
)
cases = st.tuples(
    facts_strategy,
    st.sampled_from(PARTNERS),
    st.lists(agreement_strategy, max_size=5),
    st.lists(consent_strategy, max_size=4),
)


@given(cases)
@settings(max_examples=400)
def test_what_is_released_keeps_every_rule_and_nothing_raises(case: Any) -> None:
    facts, audience, agreements, consents = case
    found = decide(facts, audience, agreements, consents, NOW)
    assert found.reasons
    if isinstance(found, Withhold):
        return
    held = found.agreement
    assert held in agreements
    assert held.partner == audience
    assert held.valid_from <= NOW.date() <= held.valid_until
    assert facts.handling in ("H0", "H1")
    assert not facts.erased
    assert facts.event_type in held.event_types
    assert facts.purpose in held.purposes
    assert facts.agency in held.agencies
    assert facts.tlp in set(CODES["tlp"]) - {"RED"} or audience in facts.addressees
    assert not held.only_addressee or audience in facts.addressees
    shown = [person for person in facts.persons if person.path not in found.left_out]
    assert all(person.role in held.roles for person in shown)
    assert all(path.endswith("]") for path in found.left_out)
    assert bool(shown) is bool(facts.persons)
    assert found.view == "pseudonymous" or (held.view == "personal" and not any(one.restricted for one in shown))
    shared = facts.legal_bases & set(held.legal_bases)
    assert shared
    assert not facts.refused or shared & VITAL_BASES
    if shared <= CONSENT_BASES and not (facts.consent_given and audience in facts.addressees):
        current = {
            one.subject
            for one in consents
            if one.recipient == audience
            and one.purpose == facts.purpose
            and one.agency == facts.agency
            and one.categories >= TOLD.get(facts.event_type, EVERYTHING)
            and (one.until is None or one.until > NOW)
        }
        assert {person.subject for person in shown} <= current


@given(cases, st.randoms())
def test_the_answer_depends_on_what_agreements_say_and_not_on_their_order(case: Any, random: Any) -> None:
    facts, audience, agreements, consents = case
    assume(len({(each.id, each.version) for each in agreements}) == len(agreements))
    found = decide(facts, audience, agreements, consents, NOW)
    shuffled = random.sample(agreements, len(agreements))
    assert decide(facts, audience, iter(shuffled), reversed(consents), NOW) == found


@given(cases, agreement_strategy, consent_strategy)
def test_what_another_partner_may_see_changes_nothing(case: Any, agreement: Any, consent: Any) -> None:
    facts, audience, agreements, consents = case
    assume(agreement.partner != audience)
    assume(consent.recipient != audience)
    found = decide(facts, audience, agreements, consents, NOW)
    assert decide(facts, audience, [*agreements, agreement], [*consents, consent], NOW) == found


@given(cases)
def test_a_consent_that_is_withdrawn_never_opens_anything(case: Any) -> None:
    facts, audience, agreements, consents = case
    if isinstance(decide(facts, audience, agreements, consents, NOW), Withhold):
        assert isinstance(decide(facts, audience, agreements, consents[1:], NOW), Withhold)
