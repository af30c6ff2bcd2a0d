"""What the privacy compiler and sealing cost, beside plain fastavro on the same events, in one run.

`plain`: decode and encode of the event as it is. `anon.partner`, `anon.open`: decode by the projection, transform,
encode the rows, which is what leaves. `sealing`: each personal field of the event under the key of its person, as
intake does it, without decoding and encoding. The contenders take turns in every round, and the median counts. The
events are those of the scenario, of every type that leaves on anon.partner, filled as agencies fill them.
"""

import argparse
import io
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import fastavro
import fastavro.types
from rich.console import Console
from rich.table import Table

from connectors.scenario.stream import Scenario
from schemas.catalogue import Contract, contract
from schemas.channel_rules import NonPersonal, kinds
from schemas.codec import parse
from schemas.compiler import compiled_or_none
from schemas.derive import Channel, derive
from schemas.field_steps import AGENCY, persons
from schemas.json_form import from_json
from schemas.names import KeyId
from schemas.sealing import DataKey, Sealing, seal
from streams.pump.nonces import nonces

Work = Callable[[], int]
"""Does one pass over all events, and returns how many pieces (events, sealed fields) it did."""


def events(count: int) -> list[tuple[Contract, dict[str, Any], bytes]]:
    """Return *count* events of the scenario that leave on anon.partner, as records and as bytes."""
    found, names = list[tuple[Contract, dict[str, Any], bytes]](), kinds("anon")
    for number, act in enumerate(Scenario(seed=7).events(count * 4)):
        name = str(act.event["event_type"])
        if name not in names or len(found) == count:
            continue
        record, wrong = from_json(act.event, contract(name))
        if wrong:
            continue
        envelope: Any = record["envelope"]
        envelope |= {
            "agency": act.agency,
            "recorded_at": act.at,
            "event_id": f"{number:08x}-0000-7000-8000-000000000000",
        }
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed(contract(name)), record)
        found.append((contract(name), _as_read(contract(name), out.getvalue()), out.getvalue()))
    return found


_PARSED: dict[str, fastavro.types.Schema] = {}


def parsed(found: Contract) -> fastavro.types.Schema:
    """Return the schema of *found*, prepared once."""
    if found.name not in _PARSED:
        _PARSED[found.name] = parse(found.schema)
    return _PARSED[found.name]


def _as_read(found: Contract, value: bytes) -> dict[str, Any]:
    record: Any = fastavro.schemaless_reader(io.BytesIO(value), parsed(found), None)
    return dict(record)


def plain(given: list[tuple[Contract, dict[str, Any], bytes]]) -> Work:
    """Return decoding and encoding as it is."""

    def work() -> int:
        for found, _, value in given:
            schema, out = _PARSED[found.name], io.BytesIO()
            fastavro.schemaless_writer(out, schema, fastavro.schemaless_reader(io.BytesIO(value), schema, None))
        return len(given)

    return work


def compiled(given: list[tuple[Contract, dict[str, Any], bytes]], channel: NonPersonal) -> Work:
    """Return decoding by the projection, transforming, encoding for *channel*."""
    issued = {}
    for name in kinds("anon"):
        if (found := compiled_or_none(contract(name), channel)) is None:
            continue
        issued[name] = (parsed(found.contract), parse(found.projection), found.transform, parse(found.schema))
    leaving = [(issued[found.name], value) for found, _, value in given if found.name in issued]

    def work() -> int:
        for (whole, projection, transform, schema), value in leaving:
            event: Any = fastavro.schemaless_reader(io.BytesIO(value), whole, projection)
            for row in transform(event):
                fastavro.schemaless_writer(io.BytesIO(), schema, row)
        return len(leaving)

    return work


def sealing(given: list[tuple[Contract, dict[str, Any], bytes]]) -> Work:
    """Return sealing for the ledger, keys at hand as the vault's cache has them; the pieces are sealed fields."""
    nonce, ready, fields = nonces(), [], 0
    for number, (found, record, _) in enumerate(given):
        keys = {path: _key(f"{number}/{path}") for path in persons(found, record)} | {AGENCY: _key("agency")}
        schema = derive(found, Channel.LEDGER).fullname
        ready.append((found, record, str(record["envelope"]["event_id"]), schema, keys))
        fields += _sealed_fields(_seal(*ready[-1], nonce))

    def work() -> int:
        for each in ready:
            _seal(*each, nonce)
        return fields

    return work


def _seal(
    found: Contract,
    record: Mapping[str, object],
    event_id: str,
    schema: str,
    keys: Mapping[str, DataKey],
    nonce: Callable[[], bytes],
) -> Mapping[str, object]:
    return seal(
        found, Channel.LEDGER, record, Sealing(event_id=event_id, schema=schema, keys=keys, nonce=nonce, wire=True)
    )


def _key(name: str) -> DataKey:
    return DataKey(KeyId(name), name, os.urandom(32))


def _sealed_fields(value: object) -> int:
    if isinstance(value, tuple):
        return 1 if value[0] == "hub.v1.Sealed" else _sealed_fields(value[1])
    if isinstance(value, dict):
        return sum(map(_sealed_fields, value.values()))
    return sum(map(_sealed_fields, value)) if isinstance(value, list) else 0


def measure(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Return the pieces per CPU-second of each of *works*: the median of *rounds*, taking turns."""
    for work in works.values():
        work()
    found: dict[str, list[float]] = {name: [] for name in works}
    for _, (name, work) in itertools.product(range(rounds), works.items()):
        began = time.process_time()
        pieces = work()
        found[name].append(pieces / (time.process_time() - began))
    return {name: statistics.median(several) for name, several in found.items()}


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--events", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    given = events(asked.events)
    works = {"plain": plain(given), "sealing": sealing(given)}
    works |= {str(each): compiled(given, each) for each in (NonPersonal.ANON_PARTNER, NonPersonal.ANON_OPEN)}
    found = measure(works, asked.rounds)
    ratios = {name: found[name] / found["plain"] for name in ("anon.partner", "anon.open")}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_1m": round(os.getloadavg()[0], 1)}
    if asked.json:
        per_second = {name: round(rate) for name, rate in found.items()}
        print(
            json.dumps({"benchmark": "compiler", "per_cpu_s": per_second, "ratio_to_plain": ratios, "machine": machine})
        )
        return
    table = Table("what", "per CPU-second", "to plain")
    table.add_row("plain fastavro: decode, encode", f"{found['plain']:,.0f} events", "1")
    for name, ratio in ratios.items():
        table.add_row(f"{name}: decode, transform, encode", f"{found[name]:,.0f} events", f"{ratio:.2f}")
    table.add_row("sealing for the ledger", f"{found['sealing']:,.0f} fields", "")
    Console().print(table)
    print(f"{len(given):,} events, median of {asked.rounds} rounds; {machine}")


if __name__ == "__main__":
    main()
