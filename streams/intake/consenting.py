"""Which accepted events give or withdraw a consent, and what release has to know of it (design 12.3). Pure."""

import datetime as dt
from collections.abc import Collection
from typing import cast

from schemas.codec import Codec, Record
from schemas.names import AgencyId, SubjectId, TopicName
from streams.hub_records import hub_output
from streams.intake.reading import Readable
from streams.pump.records import Output

GIVEN, WITHDRAWN = "ConsentGiven", "ConsentWithdrawn"
CONSENTS = TopicName("control.consents")


def is_about_consent(event: Readable) -> bool:
    """Whether *event* gives or withdraws a consent."""
    return event.contract.name in (GIVEN, WITHDRAWN)


def consent_output(
    event: Readable, agency: AgencyId, subjects: Collection[SubjectId], codec: Codec, now: dt.datetime
) -> Output:
    """Return the consent that *event* of *agency* gives or withdraws, its person told by *subjects* alone."""
    record, withdrawn = event.record, event.contract.name == WITHDRAWN
    content: Record = {
        "event_id": event.event_id,
        "agency": agency,
        "consent_id": cast("str | None", record["consent_id"]),
        "withdrawn": withdrawn,
        "subject_ids": sorted(map(str, subjects)),
        "recipients": record["recipients"],
        "purposes": record["purposes"],
        "categories": record["categories"],
        "valid_until": None if withdrawn else record["valid_to"],
        "recorded_at": now,
    }
    return hub_output(CONSENTS, "ConsentRecorded", content, codec)
