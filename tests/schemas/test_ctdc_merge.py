"""The example of docs/evolution.md: 17 means of control (CTDC 2021) become 8 (CTDC 2024), in a real file too."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.feed_events import opened_content, sealed_event
from schemas.catalogue import contract
from schemas.codelists import code_list
from schemas.derive import Channel, derive
from schemas.opening import open_record
from schemas.review import review
from schemas.upcasters import Upcaster
from schemas.upcasting import Lineage, opened, published
from tests.schemas.events import event
from tests.schemas.evolutions import alter, changed, lineages
from tests.schemas.registries import memory_codec
from tests.schemas.sealed import keys_for, opener, sealed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evolution.md"
FILE = Path("data") / "ctdc_kanon_2021" / "ctdc_global_k_anonymized_2021-07-15.csv"
COLUMN = "meansOfControl"
MEANS_2021 = contract("PersonIdentified")
MEANS_2024 = changed(MEANS_2021, alter("means_of_control", codes="means_of_control_2024"))
UNIONS = {
    "meansDebtBondageEarnings": ("DebtBondage", "TakesEarnings"),
    "meansThreats": ("Threats", "ThreatOfLawEnforcement", "UsesChildren"),
    "meansAbusePsyPhySex": ("PsychologicalAbuse", "PhysicalAbuse", "SexualAbuse"),
    "meansFalsePromises": ("FalsePromises",),
    "meansDrugsAlcohol": ("PsychoactiveSubstances",),
    "meansDenyBasicNeeds": (
        *("RestrictsFinancialAccess", "RestrictsMovement"),
        *("RestrictsMedicalCare", "WithholdsNecessities"),
    ),
    "meansExcessiveWorkHours": ("ExcessiveWorkingHours",),
    "meansWithholdDocs": ("WithholdsDocuments",),
}
"""The merge as CTDC's codebooks give it, by column and without our code lists."""


def documented() -> dict[str, Any]:
    """Return what the example on the page defines, which is the upcaster that these tests use."""
    code = re.search(r"<!-- test: means-of-control -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    namespace: dict[str, Any] = {}
    exec(code[1], namespace)  # noqa: S102 - our own page
    return namespace


MERGE: dict[str, str] = documented()["MERGE"]
TO_2024: Upcaster = documented()["to_2024"]
UPCASTERS = {MEANS_2021.fingerprint: TO_2024}
VERSIONS = Lineage(versions=(MEANS_2021, MEANS_2024), upcasters=UPCASTERS)


def test_seventeen_codes_become_eight_and_other_stays() -> None:
    codes = code_list("means_of_control").codes
    assert len(codes) == 17
    assert set(MERGE.values()) == set(UNIONS)
    assert set(codes) - set(MERGE) == {"OTHER"}


def test_the_change_may_not_land_without_the_upcaster() -> None:
    def reasons(known: dict[str, Upcaster]) -> set[tuple[str, str]]:
        found = review(MEANS_2024, [MEANS_2021], known)
        return {(each.problem.path, each.problem.rule) for each in found}

    unknown = {("means_of_control", "unknown-code-list")}  # the example adds no list to the hub
    assert reasons({}) == {("means_of_control", "codes-changed")} | unknown
    assert reasons(UPCASTERS) == unknown


def test_an_event_of_2021_is_read_as_one_of_2024() -> None:
    codec = memory_codec()
    record = event() | {"means_of_control": ["THREATS", "DEBT_BONDAGE", "THREATENS_FAMILY", "OTHER"]}
    decoded = codec.decode(codec.writer("x", MEANS_2021.schema).encode(record))
    version = VERSIONS.find(decoded.fingerprint)
    assert version == MEANS_2021
    said = VERSIONS.upcast(decoded.record, version, published)
    assert said == record | {"means_of_control": ["meansThreats", "meansDebtBondageEarnings", "OTHER"]}


def test_so_is_one_that_the_ledger_sealed_in_2021_and_one_on_a_partners_feed() -> None:
    codec, record = memory_codec(), event() | {"means_of_control": ["THREATS", "THREAT_LAW_ENFORCEMENT"]}
    keys = keys_for(MEANS_2021, record)
    for channel in (Channel.LEDGER, Channel.PSEUDONYMOUS):
        content = sealed(MEANS_2021, channel, record, keys)
        value = codec.writer("x", derive(MEANS_2021, channel).schema).encode(content)
        if channel is Channel.LEDGER:
            found = open_record(MEANS_2021, channel, codec.decode(value).record, opener(keys))
            said = VERSIONS.upcast(found, MEANS_2021, opened(channel))
        else:
            known = lineages(MEANS_2021, MEANS_2024, upcasters=UPCASTERS)
            said = opened_content(sealed_event(codec, value, known), opener(keys), known)
        assert said["means_of_control"] == ["meansThreats"]


def means_of(rows: Iterator[dict[str, str]]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield each row with its means of control in codes of the hub."""
    codes = {code.crosswalk["CTDC 2021"]: code.code for code in code_list("means_of_control").codes.values()}
    for row in rows:
        yield row, [code for column, code in codes.items() if row[COLUMN + column] == "1"]


@pytest.mark.shared
def test_the_counts_of_the_real_file_are_those_of_the_unions(shared_data: Path) -> None:
    merged: Counter[str] = Counter()
    unions: Counter[str] = Counter()
    single: Counter[str] = Counter()
    with (shared_data / FILE).open(newline="", encoding="utf-8-sig") as file:
        for row, codes in means_of(csv.DictReader(file)):
            said = VERSIONS.upcast({"means_of_control": codes}, MEANS_2021, published)["means_of_control"]
            assert isinstance(said, list)
            merged.update(said)
            single.update(codes)
            unions.update(name for name, columns in UNIONS.items() if any(row[COLUMN + c] == "1" for c in columns))
    assert dict(merged) == {**unions, "OTHER": single["OTHER"]}
    # Persons under several of the means that became one count once.
    assert (single["PSYCHOLOGICAL_ABUSE"], single["PHYSICAL_ABUSE"], single["SEXUAL_ABUSE"]) == (12_313, 8_484, 4_178)
    assert merged["meansAbusePsyPhySex"] == 18_020
