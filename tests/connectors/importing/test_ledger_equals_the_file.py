"""What the ledger says, opened with its keys, is what the real file says: counted from both, independently.

A slice of the file goes through the whole hub. HUB_TEST_IMPORT_ROWS=all takes every row (some minutes).
"""

import csv
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pycountry
import pytest

from infra.home import Home
from tests.connectors.importing.test_on_the_hub import hub_import
from tests.opened_ledger import opened_events
from tests.running import ensure_worker, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.shared]
AGENCY = "rs-border-police"
"""Publishes nothing else in these tests that has CTDC's references."""
ROWS = os.environ.get("HUB_TEST_IMPORT_ROWS", "1500")
FORMS = {"isForcedLabour": "FORCED_LABOUR", "isSexualExploit": "SEXUAL", "isOtherExploit": "OTHER"}


def slice_of(file: Path, target: Path) -> list[dict[str, str]]:
    """Write every n-th row of *file* to *target*, the whole range of its years; return what is in it."""
    with file.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    kept = rows if ROWS == "all" else rows[:: max(1, len(rows) // int(ROWS))]
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return kept


def alpha3(code: str) -> str:
    return str(pycountry.countries.get(alpha_2=code).alpha_3)


def counted_in_file(rows: list[dict[str, str]]) -> Counter[object]:
    found: Counter[object] = Counter()
    for row in rows:
        found[row["Datasource"].upper().replace(" ", "_")] += 1
        found.update(form for column, form in FORMS.items() if row[column] == "1")
        found["gender", row["gender"].upper().split("/")[0]] += 1
        if row["citizenship"] and row["CountryOfExploitation"] and row["citizenship"] != row["CountryOfExploitation"]:
            found[alpha3(row["citizenship"]), alpha3(row["CountryOfExploitation"])] += 1
    return found


def counted_in_ledger(home: Home) -> Counter[object]:
    found: Counter[object] = Counter()

    def look(name: str, event: dict[str, Any]) -> None:
        if name != "PersonIdentified" or not str(event["person"]["person_ref"]).startswith("ctdc-"):
            return
        found[event["envelope"]["source_kind"]] += 1
        found.update(form for form in event["exploitation_forms"] if form in FORMS.values())
        found["gender", str(event["person"]["gender"] or "").split("_")[0].replace("TRANS", "TRANSGENDER")] += 1
        both = [*event["person"]["citizenships"][:1], event["country_of_exploitation"]]
        if len(both) == 2 and both[1] and both[0] != both[1]:
            found[both[0], both[1]] += 1

    opened_events(home, AGENCY, look)
    return found


def test_the_ledger_holds_what_the_file_says_and_a_second_import_adds_nothing(
    home: Home, shared_data: Path, tmp_path: Path
) -> None:
    ensure_worker(home)
    file = tmp_path / "ctdc.csv"
    source = shared_data / "data" / "ctdc_kanon_2021" / "ctdc_global_k_anonymized_2021-07-15.csv"
    rows = slice_of(source, file)
    given = (str(file), "--mapping", "ctdc-k-anonymised-2021")

    _, first, said = hub_import(home, *given, agency=AGENCY)
    _, second, _ = hub_import(home, *given, agency=AGENCY)

    assert (first["rows"], first["accepted"], first["refused"], first["duplicates"]) == (len(rows), len(rows), 0, 0), (
        said
    )
    assert (second["accepted"], second["refused"], second["duplicates"]) == (0, 0, len(rows))
    expected = counted_in_file(rows)
    assert expected["FORCED_LABOUR"] > len(rows) / 20
    wait_until(lambda: counted_in_ledger(home) == expected, "the ledger says what the file says")
