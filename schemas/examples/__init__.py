"""One event of each type as a person would write it; its persons are invented, as their names say."""

import json
from importlib.resources import files
from typing import cast

from schemas.catalogue import contract, hub_contract


def example(name: str) -> dict[str, object]:
    """Return the example of the event type *name* in JSON form; raise UnknownContractError if there is none.

    Its `event_id` is fixed: change it to publish the example more than once.
    """
    entry = files("schemas") / "examples" / f"{contract(name).name}.json"
    return cast("dict[str, object]", json.loads(entry.read_text(encoding="utf-8")))


def hub_example(name: str) -> dict[str, object]:
    """Return the example of the record *name* that the hub writes, in JSON form; its key and ciphertext are invented.

    Raises UnknownContractError if there is none.
    """
    entry = files("schemas") / "examples" / "hub" / f"{hub_contract(name).name}.json"
    return cast("dict[str, object]", json.loads(entry.read_text(encoding="utf-8")))
