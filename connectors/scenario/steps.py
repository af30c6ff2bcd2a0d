"""The steps of a person's story, with the event type of each."""

from collections.abc import Mapping

from connectors.scenario.story import Step

SERVICES_MAX = 4

(
    CONTROLLED, IDENTIFIED, CORRECTED, IDENTIFIED_AGAIN, DECIDED,
    CONSENTED, CONSENT_WITHDRAWN, APPLIED, APPLICATION_DECIDED,
    OFFERED, REVOKED, ANSWERED, OFFERED_AGAIN, ANSWERED_AGAIN, WITHDRAWN, INCIDENT, FOLLOWED_UP, CLOSED,
    REFLECTION, PERMIT, SHELTER, WITNESS_PROTECTION, COMPENSATION,
    INVESTIGATED, ARRESTED, PROSECUTED, JUDGED, CASE_CLOSED,
    ASSISTANCE_ASKED, ASSISTANCE_ANSWERED, SURRENDER_ASKED, SURRENDER_DECIDED, SURRENDERED,
    SERVICE,
) = range(34)  # fmt: skip
SERVICE_ENDED = SERVICE + SERVICES_MAX
"""SERVICE and SERVICE_ENDED are the first of four each: one for each service."""

EVENT_TYPES: Mapping[Step, str] = {
    CONTROLLED: "ControlFinding",
    IDENTIFIED: "PersonIdentified",
    CORRECTED: "PersonIdentified",
    IDENTIFIED_AGAIN: "PersonIdentified",
    DECIDED: "IdentificationDecided",
    CONSENTED: "ConsentGiven",
    CONSENT_WITHDRAWN: "ConsentWithdrawn",
    APPLIED: "ApplicationReceived",
    APPLICATION_DECIDED: "ApplicationDecided",
    OFFERED: "ReferralOffered",
    REVOKED: "ReferralRevoked",
    ANSWERED: "ReferralAnswered",
    OFFERED_AGAIN: "ReferralOffered",
    ANSWERED_AGAIN: "ReferralAnswered",
    WITHDRAWN: "ReferralRevoked",
    INCIDENT: "IncidentReported",
    FOLLOWED_UP: "FollowUpRecorded",
    CLOSED: "ReferralClosed",
    REFLECTION: "ProtectionGranted",
    PERMIT: "ProtectionGranted",
    SHELTER: "ProtectionGranted",
    WITNESS_PROTECTION: "ProtectionGranted",
    COMPENSATION: "ProtectionGranted",
    INVESTIGATED: "InvestigationOpened",
    ARRESTED: "SuspectArrested",
    PROSECUTED: "ProsecutionOpened",
    JUDGED: "VerdictDelivered",
    CASE_CLOSED: "InvestigationClosed",
    ASSISTANCE_ASKED: "LegalAssistanceRequested",
    ASSISTANCE_ANSWERED: "LegalAssistanceAnswered",
    SURRENDER_ASKED: "ExtraditionRequested",
    SURRENDER_DECIDED: "ExtraditionDecided",
    SURRENDERED: "PersonSurrendered",
    **{SERVICE + number: "ServiceProvided" for number in range(2 * SERVICES_MAX)},
}
