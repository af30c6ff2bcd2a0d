"""The words of the privacy attribute: classes, ladders, tags, subjects (design section 5)."""

from collections.abc import Mapping
from enum import StrEnum

from schemas.ladder_data import ladder_files


class PrivacyClass(StrEnum):
    """What a value gives away about a person; decides where it may travel and whether it is sealed."""

    IDENTITY = "IDENTITY"
    """Names the person: name, alias, document."""
    CONTACT = "CONTACT"
    """Reaches the person."""
    LINK = "LINK"
    """A reference that connects records."""
    QUASI = "QUASI"
    """Singles out together with others; leaves only generalised on its ladder."""
    SENSITIVE = "SENSITIVE"
    """What happened to the person, or what the person is held to have done."""
    TIME = "TIME"
    """A date or time of the person's story; leaves only generalised on its ladder."""
    PLACE = "PLACE"
    """A place of the person's story; leaves only generalised on its ladder."""
    NARRATIVE = "NARRATIVE"
    """Free text; never leaves a personal channel."""
    ENTITY = "ENTITY"
    """About an establishment; sealed like a person's when its legal form is not LEGAL_PERSON."""
    OPERATIONAL = "OPERATIONAL"
    """Needed to route and audit; about nobody."""
    PUBLIC = "PUBLIC"
    """Published elsewhere."""
    CONTAINER = "CONTAINER"
    """A record or list of records whose own fields carry the classes."""


SEALED_CLASSES = frozenset(PrivacyClass) - {
    PrivacyClass.ENTITY,
    PrivacyClass.OPERATIONAL,
    PrivacyClass.PUBLIC,
    PrivacyClass.CONTAINER,
}
"""Always ciphertext at rest; ENTITY is so as well, unless it belongs to a legal person."""

LADDER_CLASSES = frozenset({PrivacyClass.QUASI, PrivacyClass.TIME, PrivacyClass.PLACE})

LADDERS: Mapping[str, tuple[str, ...]] = {name: found.levels for name, found in ladder_files().items()}
"""Steps by which a value is generalised, finest first; fixed and published, never data-dependent."""

TAGS: Mapping[str, str] = {
    PrivacyClass.IDENTITY: "PII",
    PrivacyClass.CONTACT: "PII",
    PrivacyClass.LINK: "LINK",
    PrivacyClass.QUASI: "QI",
    PrivacyClass.SENSITIVE: "SENS",
    PrivacyClass.TIME: "TIME",
    PrivacyClass.PLACE: "PLACE",
    PrivacyClass.NARRATIVE: "FREE_TEXT",
    PrivacyClass.ENTITY: "ENTITY",
    PrivacyClass.OPERATIONAL: "OPERATIONAL",
    PrivacyClass.PUBLIC: "PUBLIC",
    PrivacyClass.CONTAINER: "CONTAINER",
}
"""What `confluent:tags` says for each class, for tools that know nothing of our attribute."""

AGENCY = "agency"
"""The subject of what belongs to the publishing agency."""
SELF = "self"
"""The subject of the fields of a person, seen from inside."""
PERSON = "Person"
VIEWS = frozenset({"personal", "pseudonymous", "stage"})
FORMATS = frozenset({"uuid", "agency", "reference", "label", "code", "citation"})
FAMILIES = frozenset({"identification", "referral", "investigation", "extradition", "control", "consent", "monitoring"})
