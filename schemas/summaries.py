"""What people ask of a schema: its fields in order, its versions, where its persons are."""

from schemas import golden
from schemas.catalogue import Contract
from schemas.compatibility import fields_in, type_name
from schemas.privacy_classes import PERSON, PrivacyClass
from schemas.registry import AvroSchema
from schemas.shapes import inner_record, shape_of, walk


def summary(contract: Contract) -> dict[str, object]:
    """Return name, family, number of versions, fields and persons of *contract*."""
    entries = golden.entries(contract.fullname)
    inner = list(walk(shape_of(contract)))
    return {
        "name": contract.name,
        "family": contract.family,
        "versions": len(entries),
        "recorded": contract.fingerprint in {entry.fingerprint for entry in entries},
        "fields": sum(entry.privacy.get("class") != PrivacyClass.CONTAINER for _, _, entry in inner),
        "persons": [
            path
            for path, _, entry in inner
            if (found := inner_record(entry.shape)) is not None and found.name == PERSON
        ],
        "fingerprint": contract.fingerprint,
    }


def fields(schema: AvroSchema) -> list[dict[str, object]]:
    """Return every field of *schema* in order: path, type, privacy class, ladder, its minimum, codes, doc."""
    found = []
    for path, entry in fields_in(schema).items():
        privacy = entry.get("privacy")
        settled = privacy if isinstance(privacy, dict) else {}
        found.append(
            {
                "path": path,
                "type": type_name(entry["type"]),
                "mandatory": "default" not in entry,
                "class": settled.get("class"),
                "subject": settled.get("subject"),
                "ladder": settled.get("ladder"),
                "minimum": settled.get("minimum"),
                "codes": entry.get("codes"),
                "unit": entry.get("unit"),
                "doc": entry.get("doc"),
            }
        )
    return found
