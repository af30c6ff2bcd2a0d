"""What the hub adds to an event on a channel, as fields of the derived schema: who is meant, when, by whom."""

from schemas.registry import AvroSchema

OPERATIONAL: AvroSchema = {"privacy": {"class": "OPERATIONAL"}, "confluent:tags": ["OPERATIONAL"]}
"""The attributes of a field that is about nobody."""
SUBJECT: AvroSchema = {
    "name": "subject",
    "type": "string",
    "doc": "Random id of the person in the ledger; on a feed the pseudonym for that recipient and year.",
    **OPERATIONAL,
}
RECEIVED_AT: AvroSchema = {
    "name": "received_at",
    "type": {"type": "long", "logicalType": "timestamp-millis"},
    "doc": "When the hub accepted the event, UTC.",
    **OPERATIONAL,
}
SIGNED_BY: AvroSchema = {
    "name": "signed_by",
    "type": ["null", "string"],
    "default": None,
    "doc": "Id of the key with which the agency signed the event; null for one that came unsigned.",
    **OPERATIONAL,
}
SIGNED_ORIGINAL = "signed_original"


def signed_original(sealed: AvroSchema | str) -> AvroSchema:
    """Return the field of the event as it was signed: on the ledger alone, never on a channel that anybody reads."""
    key = {
        "name": "key",
        "type": ["null", sealed],
        "default": None,
        "doc": "A random key of 32 bytes, base64, sealed under the keys of all persons of the event and of the agency.",
        "privacy": {"class": "NARRATIVE"},
        "confluent:tags": ["FREE_TEXT"],
    }
    ct = {
        "name": "ct",
        "type": "bytes",
        "doc": "The hub.v1.SignedEvent in its wire format under that key: nonce, ciphertext, tag, as in a Sealed.",
        **OPERATIONAL,
    }
    return {
        "name": SIGNED_ORIGINAL,
        "type": ["null", {"type": "record", "name": "SealedOriginal", "namespace": "hub.v1", "fields": [key, ct]}],
        "default": None,
        "doc": "The signed event as it arrived, sealed for all whom it is about; null for one that came unsigned.",
        "privacy": {"class": "CONTAINER"},
    }


RELEASE: AvroSchema = {
    "name": "release",
    "doc": "Under which agreement the hub released the event to this partner.",
    **OPERATIONAL,
    "type": {
        "type": "record",
        "name": "Release",
        "namespace": "hub.v1",
        "fields": [
            {"name": "partner", "type": "string", "doc": "The recipient.", **OPERATIONAL},
            {"name": "agreement", "type": "string", "doc": "Id of the agreement.", **OPERATIONAL},
            {"name": "agreement_version", "type": "int", "doc": "Version of the agreement.", **OPERATIONAL},
            {"name": "view", "type": "string", "doc": "`personal` or `pseudonymous`.", **OPERATIONAL},
            {
                "name": "retention_days",
                "type": "int",
                "doc": "The partner deletes after so many days.",
                **OPERATIONAL,
            },
            {
                "name": "onward_sharing",
                "type": "boolean",
                "doc": "Whether it may pass the event on.",
                **OPERATIONAL,
            },
        ],
    },
}
