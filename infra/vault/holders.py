"""The words of the vault: who is referred to, and whose a key is."""

from schemas.names import AgencyId, PartnerId, SubjectId

Reference = tuple[AgencyId, str]
"""An agency and its own reference of a person or a case."""

Holder = str
"""Whose key it is: `subject:<subject_id>` or `agency:<agency>`."""

LEDGER = PartnerId("")
"""The recipient of keys that never leave the hub."""

_SUBJECT = "subject:"


def holder_of_subject(subject: SubjectId) -> Holder:
    """Return the holder under which the keys of *subject* are kept."""
    return f"{_SUBJECT}{subject}"


def holder_of_agency(agency: AgencyId) -> Holder:
    """Return the holder under which the keys of *agency* are kept."""
    return f"agency:{agency}"


def subject_of(holder: Holder) -> SubjectId | None:
    """Return the person whose keys *holder* stands for; None for an agency."""
    return SubjectId(holder.removeprefix(_SUBJECT)) if holder.startswith(_SUBJECT) else None
