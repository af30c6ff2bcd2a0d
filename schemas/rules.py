"""Rules over several fields of one event. Each is one function; `rules_for` compiles those of a contract.

A rule says nothing about a field that is missing or of the wrong type: the checks of values have done so.
"""

from collections.abc import Mapping
from datetime import date

from schemas.checks import CLEAN, Finding, Findings, Limits
from schemas.person_rules import Rule, persons_rule
from schemas.reading import A_DAY, day_in, day_of, moment_in, number_in, record_in
from schemas.shapes import Record


def rules_for(contract_name: str, shape: Record) -> tuple[Rule, ...]:
    """Return the rules that events of the contract *contract_name* with this *shape* have to keep."""
    return (_envelope, persons_rule(shape), *RULES.get(contract_name, ()))


def _envelope(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Refuse an event that was recorded before it happened, or that corrects itself."""
    envelope = record_in(event, "envelope")
    occurred_at, recorded_at = moment_in(envelope, "occurred_at"), moment_in(envelope, "recorded_at")
    found: list[Finding] = []
    if occurred_at and recorded_at and recorded_at < occurred_at:
        advice = "give a moment that is not before `occurred_at`"
        found.append((".envelope.recorded_at", "recorded-before-occurred", advice))
    corrects = envelope.get("corrects")
    if corrects is not None and corrects == envelope.get("event_id"):
        found.append((".envelope.corrects", "corrects-itself", "name the earlier event, or leave the field out"))
    return found or CLEAN


def _palermo(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Ask a formal identification for act and purpose, for an adult means too (Palermo art. 3(a), (c))."""
    if event.get("status") != "IDENTIFIED" and event.get("decision") != "CONFIRMED":
        return CLEAN
    adult = record_in(event, "person").get("group") in ("WOMAN", "MAN")
    needed = ("acts", "means", "purposes") if adult else ("acts", "purposes")
    advice = "a formal identification needs at least one; for a girl or boy no means are needed"
    return [(f".{name}", "palermo-incomplete", advice) for name in needed if event.get(name, []) == []]


def _ruled_out(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Refuse what is said to have occurred and to be ruled out at once."""
    found: list[Finding] = []
    for name in ("exploitation_forms", "means_of_control"):
        named, out = event.get(name), event.get(f"{name}_ruled_out")
        if isinstance(named, list) and isinstance(out, list) and {str(n) for n in named} & {str(n) for n in out}:
            advice = f"a code stands either in `{name}` or in `{name}_ruled_out`"
            found.append((f".{name}_ruled_out", "contradicts-itself", advice))
    return found or CLEAN


def _entry_before_identification(event: Mapping[str, object], _limits: Limits) -> Findings:
    entered, day = day_in(event, "entry_date"), day_of(event)
    if entered is not None and day is not None and entered > day + A_DAY:
        return ((".entry_date", "entry-after-event", "give the day of entry before the identification"),)
    return CLEAN


def _other_agency(event: Mapping[str, object], _limits: Limits) -> Findings:
    to_agency = event.get("to_agency")
    if to_agency is not None and to_agency == record_in(event, "envelope").get("agency"):
        return ((".to_agency", "refers-to-itself", "name the other agency of the referral"),)
    return CLEAN


def _consent_carries_basis(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Refuse consent as a legal ground beside the record that it was refused (guidelines C.1.4)."""
    bases = record_in(event, "envelope").get("legal_basis")
    named = isinstance(bases, list) and bool({"GDPR:6.1.a", "GDPR:9.2.a"} & {b for b in bases if isinstance(b, str)})
    if named and event.get("consent_to_referral") == "NO":
        advice = "name the ground that holds without consent, or do not refer against the person's will"
        return ((".envelope.legal_basis", "consent-was-refused", advice),)
    return CLEAN


def _child_does_not_consent_alone(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Ask for the guardian of a child (guidelines C.1.4)."""
    if event.get("given_by") == "PERSON" and record_in(event, "person").get("group") in ("GIRL", "BOY"):
        return ((".given_by", "guardian-missing", "for a girl or boy the guardian or representative gives consent"),)
    return CLEAN


def _two_states(event: Mapping[str, object], _limits: Limits) -> Findings:
    requested = event.get("requested_state")
    if requested is not None and requested == event.get("requesting_state"):
        return ((".requested_state", "same-state", "name the state that is asked"),)
    return CLEAN


def _proprietor(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Ask for the person behind a sole trader, whose key seals its name (design section 8)."""
    establishment = record_in(event, "establishment")
    if establishment.get("legal_form") in ("SOLE_TRADER", "UNKNOWN") and establishment.get("proprietor") is None:
        advice = "give the proprietor: what is not a legal person is protected like a person"
        return ((".establishment.proprietor", "proprietor-missing", advice),)
    return CLEAN


def _value_fits_state(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Ask for a figure where it is told, and for none where it is suppressed or not available."""
    told = event.get("value_state") in ("EXACT", "ESTIMATED")
    hidden = event.get("value_state") in ("SUPPRESSED", "NOT_AVAILABLE")
    if told and event.get("value") is None:
        return ((".value", "value-missing", "give the figure, or say in `value_state` why there is none"),)
    if hidden and event.get("value") is not None:
        return ((".value", "value-not-hidden", "leave the figure out, or correct `value_state`"),)
    if event.get("below") is not None and event.get("value_state") != "SUPPRESSED":
        return ((".below", "below-without-suppression", "give it with a suppressed figure alone"),)
    return CLEAN


def _sentence_needs_conviction(event: Mapping[str, object], _limits: Limits) -> Findings:
    sentenced = (number_in(event, "sentence_months") or 0) > 0
    if sentenced and event.get("verdict") in ("ACQUITTED", "DISCONTINUED"):
        return ((".sentence_months", "sentence-without-conviction", "correct the verdict or the sentence"),)
    return CLEAN


def _in_order(begin: str, end: str) -> Rule:
    """Return the rule that the day *end* is not before the day *begin*."""

    def rule(event: Mapping[str, object], _limits: Limits) -> Findings:
        first, last = day_in(event, begin), day_in(event, end)
        if isinstance(first, date) and isinstance(last, date) and last < first:
            return ((f".{end}", "ends-before-it-begins", f"give a day that is not before `{begin}`"),)
        return CLEAN

    return rule


def _needs(name: str, codes: tuple[str, ...], needed: str) -> Rule:
    """Return the rule that an event with one of *codes* in *name* says *needed* too."""

    def rule(event: Mapping[str, object], _limits: Limits) -> Findings:
        if event.get(name) in codes and event.get(needed) is None:
            return ((f".{needed}", "reason-missing", f"give it: `{name}` asks for it"),)
        return CLEAN

    return rule


def _in_currency(currency: str, *amounts: str) -> Rule:
    """Return the rule that an amount comes with its *currency*."""

    def rule(event: Mapping[str, object], _limits: Limits) -> Findings:
        if event.get(currency) is None and any(event.get(amount) is not None for amount in amounts):
            return ((f".{currency}", "currency-missing", "give the currency of the amount, ISO 4217"),)
        return CLEAN

    return rule


def _part_of(part: str, whole: str) -> Rule:
    """Return the rule that the number *part* is not above the number *whole*."""

    def rule(event: Mapping[str, object], _limits: Limits) -> Findings:
        few, many = number_in(event, part), number_in(event, whole)
        if few is not None and many is not None and few > many:
            return ((f".{part}", "part-exceeds-whole", f"give a number that is not above `{whole}`"),)
        return CLEAN

    return rule


_victims = _part_of("victims_minor", "victims_count")
_period = _in_order("period_begin", "period_end")

RULES: Mapping[str, tuple[Rule, ...]] = {
    "ConsentGiven": (_child_does_not_consent_alone,),
    "ControlCampaign": (
        _period,
        _part_of("enterprises_controlled", "enterprises_registered"),
        _in_currency("currency", "back_wages_amount", "fines_amount"),
    ),
    "ControlFinding": (
        _proprietor,
        _part_of("workers_affected", "workers_found"),
        _part_of("minors_affected", "workers_affected"),
        _part_of("third_country_nationals", "foreign_workers"),
        _in_order("visited_on", "concluded_on"),
        _in_currency("currency", "back_wages_amount", "fines_amount"),
    ),
    "ExtraditionDecided": (_two_states, _needs("decision", ("REFUSED",), "ground")),
    "ExtraditionRequested": (_two_states,),
    "IdentificationDecided": (_palermo, _needs("decision", ("NOT_CONFIRMED",), "ground")),
    "IndicatorReturned": (_period, _value_fits_state),
    "InvestigationClosed": (_in_currency("seized_currency", "seized_amount"),),
    "InvestigationOpened": (_victims,),
    "LegalAssistanceAnswered": (_two_states, _needs("answer", ("REFUSED",), "ground")),
    "LegalAssistanceRequested": (_two_states,),
    "LicenceDecided": (_proprietor, _in_order("decided_on", "valid_until")),
    "PersonIdentified": (_palermo, _ruled_out, _entry_before_identification),
    "PersonSurrendered": (_two_states,),
    "ProtectionGranted": (
        _in_order("granted_from", "granted_until"),
        _in_currency("compensation_currency", "compensation_amount"),
    ),
    "ReferralAnswered": (_other_agency, _needs("answer", ("DECLINED",), "decline_reason")),
    "ReferralClosed": (_other_agency,),
    "ReferralOffered": (_other_agency, _consent_carries_basis),
    "ReferralRevoked": (_other_agency,),
    "ServiceProvided": (_in_order("provided_from", "provided_until"),),
    "SurveyReturned": (_period, _part_of("positive", "respondents")),
    "VerdictDelivered": (
        _victims,
        _sentence_needs_conviction,
        _in_currency("fine_currency", "fine_amount"),
        _in_currency("compensation_currency", "compensation_amount"),
        _in_currency("confiscated_currency", "confiscated_amount"),
    ),
}
"""Kept by the events of one contract, beside those that every event keeps."""
