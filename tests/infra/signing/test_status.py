"""What the status says of keys: who has none, whose end soon, whose have ended."""

import datetime as dt

from infra.signing.keys import Holder, HolderKind
from infra.signing.status import told
from infra.topology.model import load_topology
from tests.infra.signing.making import DAY, NOW, key_of, revocation, ring_of, signer

TOPOLOGY = load_topology()


def test_an_agency_is_named_when_it_has_no_key_or_its_last_one_ends() -> None:
    fine, soon, over = (
        key_of(signer(), Holder(HolderKind.AGENCY, name), start=NOW - 9 * DAY, days=days)
        for name, days in [("rs-police", 365), ("bg-police", 20), ("rs-prosecution", 8)]
    )
    lost = key_of(signer(), Holder(HolderKind.AGENCY, "bg-prosecution"))
    found = told(ring_of(fine, soon, over, lost, revocations=(revocation(lost),)), TOPOLOGY, NOW)
    assert (found["in_use"], found["expired"], found["revoked"]) == (2, 1, 1)
    assert "rs-police" not in found
    assert f"{NOW + dt.timedelta(days=11):%Y-%m-%d}" in str(found["bg-police"])
    assert "NO VALID KEY" in str(found["rs-prosecution"])
    assert "NO VALID KEY" in str(found["bg-prosecution"])
    assert "has no key" in str(found["rs-counselling"])


def test_a_later_key_of_the_agency_ends_the_warning() -> None:
    holder = Holder(HolderKind.AGENCY, "rs-police")
    soon, next_one = key_of(signer(), holder, days=5), key_of(signer(), holder, days=400)
    assert "rs-police" not in told(ring_of(soon, next_one), TOPOLOGY, NOW)
