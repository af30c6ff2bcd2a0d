"""The real files, all rows, as a dry run: what the events count is what the files count (research, domain 8)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.importing.mappings import load
from connectors.importing.refused import RefusedRows
from connectors.importing.running import Job, opened, run
from connectors.importing.tally import Pending, Tally
from schemas.json_form import read_event
from tests.connectors.importing.making import NOW, read_refused

pytestmark = [pytest.mark.shared, pytest.mark.xdist_group("real-files")]
Event = Mapping[str, Any]


@dataclass
class Counted:
    """A dry run that counts what its events say."""

    look: Callable[[Event], Sequence[Hashable]]
    found: Counter[Hashable] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    refused: list[dict[str, str]] = field(default_factory=list)

    async def send(self, rows: Sequence[Pending]) -> None:
        """Check the events as the hub would, and count them."""
        for pending in rows:
            for _, event in pending.mapped.events:
                read_event(event, NOW)
                pending.answers["accepted"] += 1
                self.found.update(self.look(event))

    async def settle(self, rows: Sequence[Pending]) -> None:
        """Do nothing: a check is its own answer."""


def counted(
    file: Path, mapping: str, tmp_path: Path, look: Callable[[Event], Sequence[Hashable]], **given: str
) -> Counted:
    """Import *file* as a dry run and count what *look* finds in each event."""
    work = opened(Job(file=file, mapping=load(mapping), agency="rs-police", key=b"k", given=given))
    sink = Counted(look)
    place = tmp_path / "refused.csv"
    with RefusedRows(place, work.rows.columns, work.rows.delimiter, work.digest) as refused:
        sink.tally = asyncio.run(run(work, sink, refused, None))
    sink.refused = read_refused(place) if place.exists() else []
    rows = sink.tally.rows
    assert sink.tally.total == rows["accepted"] + rows["refused"] + rows["duplicates"]
    assert rows["refused"] == len(sink.refused)
    return sink


def _of_ctdc(event: Event) -> Sequence[Hashable]:
    found: list[Hashable] = [event["envelope"]["source_kind"], *event.get("exploitation_forms", ("NO_FORM",))]
    citizenships, country = event["person"].get("citizenships"), event.get("country_of_exploitation")
    if citizenships and country:
        found.append("both countries")
        if citizenships != [country]:
            found += ["crossed a border", (citizenships[0], country)]
    return found


def test_ctdc_2021_counts_as_the_file(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "data" / "ctdc_kanon_2021" / "ctdc_global_k_anonymized_2021-07-15.csv"

    done = counted(file, "ctdc-k-anonymised-2021", tmp_path, _of_ctdc)

    found, tally = done.found, done.tally
    assert tally.rows == {"accepted": 97_750}
    # T4
    assert (found["HOTLINE"], found["CASE_MANAGEMENT"]) == (52_607, 45_143)
    assert (found["FORCED_LABOUR"], found["SEXUAL"], found["OTHER"]) == (19_980, 45_582, 7_105)
    assert found["NO_FORM"] + tally.reported["exploitation-not-concatenated"] == 31_461
    # T5
    assert (found["both countries"], found["crossed a border"]) == (31_435, 19_025)
    corridors = Counter({key: number for key, number in found.items() if isinstance(key, tuple)})
    assert corridors.most_common(5) == [
        (("UKR", "RUS"), 4_499),
        (("MEX", "USA"), 2_351),
        (("MMR", "IDN"), 1_229),
        (("BLR", "RUS"), 800),
        (("UKR", "POL"), 709),
    ]
    # T6: contradictions of sex and labour are told; age and majority never contradict each other
    assert tally.reported["sex-and-labour-contradicts"] == 12
    assert "age-contradicts-majority" not in tally.refused_by_rule
    assert tally.reported["year-not-reported"] == 2_011


def _of_relation(event: Event) -> Sequence[Hashable]:
    [suspect] = event["suspects"]
    both = (event["female_suspects"], event["male_suspects"]) == ("YES", "YES")
    return ["relation", *suspect.get("perpetrator_roles", ()), *(["both sexes"] if both else [])]


def test_ctdc_relations_count_as_the_file(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "data" / "ctdc_victim_perpetrator_synth_2022" / "CTDC_VPsynthetic_condensed.csv"

    done = counted(file, "ctdc-victim-perpetrator-2022", tmp_path, _of_relation)

    # T12
    assert done.tally.rows == {"accepted": 21_195}
    assert done.found["relation"] == 21_195
    assert (done.found["EXPLOITER"], done.found["RECRUITER"], done.found["both sexes"]) == (9_458, 11_865, 2_452)


def test_glotip_counts_as_the_file(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "data" / "unodc_glotip_2025" / "data_glotip_2025-04-14.csv"

    done = counted(file, "unodc-glotip", tmp_path, lambda event: [event["value_state"], event.get("country")])

    # T8
    refused = Counter(row["hub_rule"].split("; ")[0] for row in done.refused)
    hidden = sum(row["txtVALUE"] == "<5" for row in done.refused)
    repeated = done.tally.rows["duplicates"]
    assert done.tally.total == 58_769
    assert done.tally.repaired["thousands-comma"] == 813
    assert done.tally.reported["same-row"] == 336
    assert done.tally.reported["conflicting-key"] == 284
    assert done.tally.reported["area-without-country-code"] == done.found[None] == 26
    assert refused["conflicting-rows"] == 767
    assert done.tally.repaired["duplicate-row"] == repeated == 241
    assert 29_558 - repeated <= done.found["SUPPRESSED"] + hidden <= 29_558


def test_dirty_codes_of_case_law_are_refused_with_advice(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "data" / "unodc_caselaw_us_coded" / "unodc_cldb_us_cases_coded.csv"

    done = counted(file, "unodc-caselaw", tmp_path, lambda event: [event["event_type"]])

    # T13
    def rules(column: str, text: str) -> set[str]:
        return {row["hub_rule"] for row in done.refused if text in row[column]}

    assert done.tally.total == 181
    assert done.found["InvestigationOpened"] == done.found["VerdictDelivered"] == done.tally.rows["accepted"]
    assert rules("MeansUsed", "Transnational") == {"other-column"}
    assert any("misspelt-value" in rule for rule in rules("ExploitativePurposes", "Forced labor"))
    assert any("wrong-case" in rule for rule in rules("ActsInvolved", "; transportation"))
    assert all("glued-values" in rule for rule in rules("ActsInvolved", "Recruitment/Hiring"))
    assert all("glued-values" in rule for rule in rules("MeansUsed", "coercionAbduction"))
    assert all(row["hub_advice"] for row in done.refused)


@pytest.mark.parametrize(
    ("file", "mapping", "given", "rows"),
    [
        (
            "us_whd_inspection/whd_findings_by_industry_state.csv",
            "us-whd",
            {"period_begin": "2005-01-01", "period_end": "2016-12-31"},
            28_356,
        ),
        (
            "us_whd_inspection/h2_debarments_2010-2014_no_names.csv",
            "us-whd-debarments",
            {"finding": "RECRUITMENT_FEES"},
            141,
        ),
        (
            "uk_nrm_form/example_casework_payload.json",
            "uk-nrm",
            {"reported_on": "2026-02-01", "to_agency": "rs-counselling"},
            1,
        ),
    ],
)
def test_every_row_is_accepted(
    shared_data: Path, tmp_path: Path, file: str, mapping: str, given: dict[str, str], rows: int
) -> None:
    done = counted(shared_data / "data" / file, mapping, tmp_path, lambda event: [event["event_type"]], **given)

    assert done.tally.rows == {"accepted": rows}
