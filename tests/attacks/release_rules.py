"""The rules of release said once more, as flat tables, and facts that break one or two of them: what `decide` must say.

Independent of `streams/release/decide.py`: written from the head of that file and from design section 8.
"""

import datetime as dt
import itertools
from types import ModuleType
from typing import Any

from infra.topology.agreements import Agreement
from schemas.catalogue import contract
from schemas.codelists import code_list
from schemas.field_steps import persons
from schemas.names import AgencyId, PartnerId, SubjectId
from tests.schemas.events import event

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
TODAY, DAY = NOW.date(), dt.timedelta(days=1)
US, OTHER = PartnerId("europol"), PartnerId("selec")
AGREEMENT: dict[str, Any] = {
    "id": "a", "version": 1, "title": "t", "basis": "b", "agencies": (AgencyId("rs-police"),), "partner": US,
    "event_types": ("InvestigationOpened",), "purposes": ("INVESTIGATE", "PROSECUTE"), "roles": ("SUSPECT", "WITNESS"),
    "view": "personal", "legal_bases": ("LED:8", "GDPR:6.1.a", "GDPR:6.1.d"), "valid_from": TODAY, "valid_until": TODAY,
    "retention_days": 30, "onward_sharing": False, "only_addressee": False,
}  # fmt: skip
PERSONS: dict[str, dict[str, Any]] = {
    "suspects[0]": {"subject": "s0", "role": "SUSPECT", "restricted": False},
    "victims[0]": {"subject": "s1", "role": "VICTIM", "restricted": False},
}
FACTS: dict[str, Any] = {
    "event_id": "e1", "event_type": "InvestigationOpened", "agency": AgencyId("rs-police"), "purpose": "INVESTIGATE",
    "legal_bases": frozenset({"LED:8"}), "handling": "H0", "tlp": "GREEN", "persons": PERSONS,
}  # fmt: skip
CATEGORIES = frozenset(code_list("data_category").codes)
CONSENT: dict[str, Any] = {
    "event_id": "e", "consent_id": "c", "agency": AgencyId("rs-police"), "categories": CATEGORIES,
    "subject": "s0", "recipient": US, "purpose": "INVESTIGATE", "until": NOW + DAY,
}  # fmt: skip
APPROVAL: dict[str, Any] = {
    "approval_id": "p", "event_id": "e1", "audience": US, "approved_by": "rs-police/1", "reason": "r",
    "approved_at": NOW, "valid_until": NOW + DAY, "key_id": "k", "signature": b"",
}  # fmt: skip
BY_OPERATOR: dict[str, Any] = {**APPROVAL, "approval_id": "q", "approved_by": "hub-operator/1"}
WIDER = {
    "GREEN": ("CLEAR", "GREEN"),
    "AMBER": ("CLEAR", "GREEN", "AMBER"),
    "RED": ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"),
}
BY_CONSENT = frozenset({"GDPR:6.1.a"})

TURNS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "erased": {"facts": {"erased": True}},
    "valid until now": {"facts": {"valid_until": NOW}},
    "valid until later": {"facts": {"valid_until": NOW + DAY}},
    "H1": {"facts": {"handling": "H1"}},
    "H2": {"facts": {"handling": "H2"}},
    "H3": {"facts": {"handling": "H3"}},
    "H9": {"facts": {"handling": "H9"}},
    "for proceedings": {"facts": {"purpose": "PROSECUTE"}},
    "red": {"facts": {"tlp": "RED"}},
    "addressed": {"facts": {"addressees": frozenset({"europol"})}},
    "addressed to another": {"facts": {"addressees": frozenset({"selec"})}},
    "another's agreement": {"agreement": {"partner": OTHER}},
    "expired": {"agreement": {"valid_until": TODAY - DAY}},
    "not yet": {"agreement": {"valid_from": TODAY + DAY}},
    "another agency": {"facts": {"agency": AgencyId("bg-police")}},
    "another type": {"facts": {"event_type": "VerdictDelivered"}},
    "another purpose": {"facts": {"purpose": "PROTECT"}},
    "amber, strictly": {"facts": {"tlp": "AMBER+STRICT"}},
    "an unheard light": {"facts": {"tlp": "BLUE"}},
    "as narrow as red": {"agreement": {"tlp_max": "RED"}},
    "as narrow as amber": {"agreement": {"tlp_max": "AMBER"}},
    "as narrow as green": {"agreement": {"tlp_max": "GREEN"}},
    "without H1": {"agreement": {"handling": ("H0", "H2", "H3")}},
    "without health": {"agreement": {"categories": tuple(CATEGORIES - {"HEALTH"})}},
    "with every category": {"agreement": {"categories": tuple(CATEGORIES)}},
    "for the addressee": {"agreement": {"only_addressee": True}},
    "another role": {"facts": {"persons": {"suspects[0]": {"subject": "s0", "role": "VICTIM", "restricted": False}}}},
    "one alone": {"facts": {"persons": {"person": {"subject": "s0", "role": "SUSPECT", "restricted": False}}}},
    "not the one": {
        "facts": {"persons": {"person": {"subject": "s1", "role": "VICTIM", "restricted": False}} | PERSONS}
    },
    "nobody": {"facts": {"persons": {}}},
    "restricted": {
        "facts": {"persons": PERSONS | {"suspects[0]": {"subject": "s0", "role": "SUSPECT", "restricted": True}}}
    },
    "restricted one left out": {
        "facts": {"persons": PERSONS | {"victims[0]": {"subject": "s1", "role": "VICTIM", "restricted": True}}}
    },
    "suspect and restricted victim": {
        "facts": {"persons": PERSONS | {"victims[0]": {"subject": "s0", "role": "VICTIM", "restricted": True}}}
    },
    "pseudonymous": {"agreement": {"view": "pseudonymous"}},
    "no basis": {"facts": {"legal_bases": frozenset({"GDPR:6.1.e"})}},
    "by consent": {"facts": {"legal_bases": BY_CONSENT}},
    "refused": {"facts": {"refused": True}},
    "vital": {"facts": {"legal_bases": frozenset({"GDPR:6.1.d"})}},
    "consent in the event": {"facts": {"consent_given": True}},
    "consent known": {"consents": [CONSENT]},
    "consent to another": {"consents": [CONSENT | {"recipient": OTHER}]},
    "consent to else": {"consents": [CONSENT | {"purpose": "PROTECT"}]},
    "consent over": {"consents": [CONSENT | {"until": NOW}]},
    "consent for ever": {"consents": [CONSENT | {"until": None}]},
    "consent given elsewhere": {"consents": [CONSENT | {"agency": AgencyId("bg-police")}]},
    "consent to less": {"consents": [CONSENT | {"categories": CATEGORIES - {"HEALTH"}}]},
    "approved by the owner": {"approvals": [APPROVAL]},
    "approved by two of the owner": {"approvals": [APPROVAL, APPROVAL | {"approved_by": "rs-police/2"}]},
    "approved by the operator": {"approvals": [BY_OPERATOR]},
    "approved by both": {"approvals": [APPROVAL, BY_OPERATOR]},
    "approved by strangers": {"approvals": [APPROVAL | {"approved_by": "bg-police/1"}, BY_OPERATOR]},
    "approved for another": {"approvals": [each | {"audience": OTHER} for each in (APPROVAL, BY_OPERATOR)]},
    "another event approved": {"approvals": [each | {"event_id": "e2"} for each in (APPROVAL, BY_OPERATOR)]},
    "approval over": {"approvals": [each | {"valid_until": NOW} for each in (APPROVAL, BY_OPERATOR)]},
    "approval to come": {"approvals": [each | {"approved_at": NOW + DAY} for each in (APPROVAL, BY_OPERATOR)]},
    "consent of another": {"consents": [CONSENT | {"subject": "s1"}]},
    "a worse agreement too": {"second": {"id": "b", "view": "pseudonymous"}},
    "a void agreement too": {"second": {"id": "b", "valid_until": TODAY - DAY}},
    "two void agreements": {"agreement": {"agencies": ()}, "second": {"id": "b", "valid_until": TODAY - DAY}},
}
APPROVED = [name for name in TURNS if "approv" in name]
Situation = tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


def situations() -> list[tuple[str, Situation]]:
    """Return facts, agreements and consents with one, two or three turns."""
    triples = itertools.combinations(["by consent", "addressed", *(name for name in TURNS if "consent" in name)], 3)
    triples = itertools.chain(
        triples, ((code, *two) for code in ("H2", "H3") for two in itertools.combinations(APPROVED, 2))
    )
    named = [*itertools.combinations(TURNS, 2), *triples]
    return [(", ".join(turns), _situation(turns)) for turns in named]


def _situation(turns: tuple[str, ...]) -> Situation:
    facts, agreement, consents, approvals, second = dict(FACTS), dict(AGREEMENT), [], [], None
    for name in turns:
        turn = TURNS[name]
        facts |= turn.get("facts", {})
        agreement |= turn.get("agreement", {})
        consents += turn.get("consents", [])
        approvals += turn.get("approvals", [])
        second = turn.get("second", second)
    return facts, [agreement, *([agreement | second] if second else [])], consents, approvals


def expected(situation: Situation) -> tuple[object, ...]:
    """Return what the rules say: whether, view, agreement, reasons, persons left out."""
    facts, agreements, consents, approvals = situation
    owner, operator = (_has_approved(each, approvals) for each in (facts["agency"], "hub-operator"))
    addressed = US in facts.get("addressees", ())
    bars = {
        "erased": facts.get("erased", False),
        "no-longer-valid": facts.get("valid_until") is not None and facts["valid_until"] <= NOW,
        "held-for-manual-release": facts["handling"] == "H3" and not (owner and operator),
        "needs-permission-of-owner": facts["handling"] == "H2" and not owner,
        "not-for-proceedings": facts["handling"] == "H1" and facts["purpose"] in ("PROSECUTE", "EXTRADITE_MLA"),
        "unknown-handling-code": facts["handling"] not in ("H0", "H1", "H2", "H3"),
        "tlp-red-not-addressed": facts["tlp"] in ("RED", "BLUE") and not addressed,
        "no-agreement": not any(each["partner"] == US for each in agreements),
    }
    if any(bars.values()):
        return "withheld", (next(name for name, holds in bars.items() if holds),)
    failures = {each["id"]: _failure(facts, each, consents, addressed=addressed) for each in agreements}
    passed = [each for each in agreements if failures[each["id"]] is None and each["partner"] == US]
    if not passed:
        return "withheld", tuple(sorted({str(each) for each in failures.values()}))
    best = next((each for each in passed if each["view"] == "personal"), passed[-1])
    kept = {path for path, one in facts["persons"].items() if one["role"] in best["roles"]}
    hidden = {one["subject"] for one in facts["persons"].values() if one["restricted"]}
    restricted = best["view"] == "personal" and any(facts["persons"][path]["subject"] in hidden for path in kept)
    left_out = frozenset(facts["persons"].keys() - kept)
    approved = facts["handling"] in ("H2", "H3")
    reasons = (
        "agreed",
        *(["approved"] * approved),
        *(["restricted-note"] * restricted),
        *(["persons-left-out"] * bool(left_out)),
    )
    return "released", "pseudonymous" if restricted else best["view"], best["id"], reasons, left_out


def _has_approved(organisation: str, approvals: list[dict[str, Any]]) -> bool:
    return any(
        (each["event_id"], each["audience"]) == ("e1", US)
        and each["approved_by"].split("/")[0] == organisation
        and each["approved_at"] <= NOW < each["valid_until"]
        for each in approvals
    )


def _failure(
    facts: dict[str, Any], agreed: dict[str, Any], consents: list[dict[str, Any]], *, addressed: bool
) -> str | None:
    people = facts["persons"]
    kept = {path for path, one in people.items() if one["role"] in agreed["roles"]}
    shared = facts["legal_bases"] & set(agreed["legal_bases"])
    own = facts.get("consent_given", False) and addressed
    given = {
        each["subject"]
        for each in consents
        if (each["recipient"], each["purpose"]) == (US, facts["purpose"])
        and each["agency"] == facts["agency"]
        and each["categories"] == CATEGORIES
        and (each["until"] is None or each["until"] > NOW)
    }
    known = bool(kept) and {people[path]["subject"] for path in kept} <= given
    rules = {
        "agreement-expired": agreed["valid_until"] < TODAY,
        "agreement-not-yet-valid": agreed["valid_from"] > TODAY,
        "agency-not-agreed": facts["agency"] not in agreed["agencies"],
        "event-type-not-agreed": facts["event_type"] not in agreed["event_types"],
        "purpose-not-agreed": facts["purpose"] not in agreed["purposes"],
        "handling-not-agreed": facts["handling"] not in (agreed.get("handling") or ("H0", "H1", "H2", "H3")),
        "tlp-not-agreed": facts["tlp"] not in WIDER.get(agreed.get("tlp_max"), (facts["tlp"],)),
        "category-not-agreed": bool(people) and not set(agreed.get("categories") or CATEGORIES) >= CATEGORIES,
        "not-the-addressee": agreed["only_addressee"] and not addressed,
        "role-not-agreed": bool(people) and (not kept or any("[" not in path for path in people.keys() - kept)),
        "no-agreed-legal-basis": not shared,
        "refused-by-the-person": facts.get("refused", False) and "GDPR:6.1.d" not in shared,
        "no-consent": shared <= BY_CONSENT and not own and not known,
    }
    return next((name for name, holds in rules.items() if holds), None)


def holds(rules: ModuleType) -> None:
    """Fail unless `decide` of the module *rules* says in every situation what the tables say."""
    for name, situation in SITUATIONS:
        assert _decided(rules, situation) == EXPECTED[name], name
    _facts_hold(rules)


def _decided(rules: ModuleType, situation: Situation) -> tuple[object, ...]:
    facts, agreements, consents, approvals = situation
    people = tuple(rules.PersonFacts(path=path, **one) for path, one in facts["persons"].items())
    found = rules.decide(
        rules.Facts(**{**facts, "persons": people}),
        US,
        [Agreement(**each) for each in agreements],
        [rules.Consent(**each) for each in consents],
        NOW,
        [rules.Approval(**each) for each in approvals],
    )
    if isinstance(found, rules.Withhold):
        return "withheld", found.reasons
    return "released", found.view, found.agreement.id, found.reasons, found.left_out


def _facts_hold(rules: ModuleType) -> None:
    """Fail unless the facts of an event protect who is restricted, and know whom the event is addressed to."""
    of_country = {"SRB": frozenset({"rs-prosecution"}), "BGR": frozenset({"bg-police"})}
    for name in ("PersonIdentified", "ReferralOffered", "ExtraditionRequested", "ExtraditionDecided"):
        for restricted, protected, expects in (
            ("NO", (), False),
            ("YES", (), True),
            (None, (), True),
            ("NO", "s", True),
        ):
            record = event(name)
            people = persons(contract(name), record)
            for one in people.values():
                one |= {"restricted": restricted, "subject": SubjectId("s"), "role": "SUSPECT"}
            found = rules.facts_of(name, record, people, of_country, protected)
            assert [one.restricted for one in found.persons] == [expects] * len(people)
            assert found.erased is (restricted is None and bool(people))
            states = [record.get({"ExtraditionRequested": "requested_state"}.get(name, "requesting_state"))]
            to = {record["to_agency"]} if "to_agency" in record else {p for s in states for p in of_country.get(s, ())}
            assert found.addressees == to
            assert (found.consent_given, found.refused) == tuple(
                record.get("consent_to_referral") == each for each in ("YES", "NO")
            )


SITUATIONS = situations()
EXPECTED = {name: expected(situation) for name, situation in SITUATIONS}
