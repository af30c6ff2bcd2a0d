"""What an event may tell, and which state it is addressed to, by its type: data that the rules ask."""

from collections.abc import Mapping

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
