"""Which accepted events carry a person from one agency to another. Pure."""

from collections.abc import Mapping, Sequence
from typing import cast

from infra.vault.referrals import ReferralSide
from schemas.codec import Record
from schemas.names import AgencyId
from streams.intake.reading import Readable

OFFERED, ANSWERED = "ReferralOffered", "ReferralAnswered"


def is_restricted(person: Record) -> bool:
    """Whether *person* is to be protected by a restricted note; what is not said counts as a yes."""
    return person.get("restricted") != "NO"


def referral_sides(
    agency: AgencyId, accepted: Sequence[Readable], people: Mapping[str, Mapping[str, Record]]
) -> list[ReferralSide]:
    """Return what *accepted* events of *agency*, with their *people* by event id and path, say of referrals.

    The number of a restricted note is not carried on (guidelines C.1.4): nothing is said of a person whom any of the
    events calls restricted.
    """
    numbers = {one["person_ref"] for several in people.values() for one in several.values() if is_restricted(one)}
    sides = []
    for event in accepted:
        person = people[event.event_id].get("person")
        if event.contract.name not in (OFFERED, ANSWERED) or person is None or person["person_ref"] in numbers:
            continue
        sides.append(
            ReferralSide(
                referral_id=cast("str", event.record["referral_id"]),
                speaker=agency,
                other=AgencyId(cast("str", event.record["to_agency"])),
                reference=(agency, cast("str", person["person_ref"])),
                is_offer=event.contract.name == OFFERED,
            )
        )
    return sides
