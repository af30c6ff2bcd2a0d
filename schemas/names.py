"""The identifiers of the hub as types of their own, so that one is never passed for another."""

from typing import NewType

AgencyId = NewType("AgencyId", str)
"""An organisation that publishes, such as `rs-police`."""

PartnerId = NewType("PartnerId", str)
"""An audience with a feed of its own, such as `europol`; an agency may be one as well."""

PrincipalId = NewType("PrincipalId", str)
"""Who connects to a server: an agency, a partner or a part of the hub."""

TopicName = NewType("TopicName", str)
EventId = NewType("EventId", str)
"""UUIDv7 in its canonical text form, given by the publisher and stable over retries."""

SubjectId = NewType("SubjectId", str)
"""Random; given by the vault to a person as one agency knows them."""

CaseId = NewType("CaseId", str)
"""Random; given by the vault to a case of one agency. The key of the ledger."""

KeyId = NewType("KeyId", str)
"""Random; names one data encryption key and says nothing of whose it is."""

SchemaId = NewType("SchemaId", int)
"""The registry's number of a schema, as in the Confluent wire format."""
