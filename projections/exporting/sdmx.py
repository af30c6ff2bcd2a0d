"""SDMX-CSV, for statistical offices: version 2.0 of the SDMX 3.0 standard, or 1.0 of SDMX 2.1.

After the field guides of the SDMX technical working group. One column per dimension, `_T` where a figure is not broken
down by it; a number that there is not stays empty, and OBS_STATUS says why, with codes of SDMX's CL_OBS_STATUS.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from projections.exporting.cells import Cell, csv_bytes
from projections.exporting.columns import section_of
from projections.exporting.labels import BAND, TOTAL
from projections.exporting.metadata import LogState, as_json
from projections.exporting.observations import NOTHING_TO_DIVIDE, Observation
from projections.exporting.writing import beside
from projections.indicators.catalogue import Catalogue
from projections.indicators.entries import Source
from projections.indicators.figures import NOT_BROKEN_DOWN, NOT_REPORTED, State

Version = Literal["3.0", "2.1"]
"""Of SDMX; the versions of SDMX-CSV are 2.0 and 1.0."""

AGENCY, FLOW_ID = "HUB", "THB_INDICATORS"
ALL, UNKNOWN, UNALLOCATED = "_T", "_U", "_X"
"""SDMX's own codes: the total, not known, not allocated to any part."""
OBS_STATUS: Mapping[str, str] = {
    "A": "normal value",
    "U": "low reliability: here, at least so many, see COMPLETENESS",
    "Q": "missing value; suppressed",
    "O": "missing value",
    "L": "missing value; data exist but were not collected",
    "M": "missing value; data cannot exist",
}
"""The codes of CL_OBS_STATUS that are used."""
CONF_STATUS = {"partner": "N", "open": "F"}
"""CL_CONF_STATUS: not for publication, restricted; free."""
_NO_ID = re.compile(r"[^A-Za-z0-9_@$-]")
_SPECIAL = {TOTAL: ALL, NOT_REPORTED: UNKNOWN, NOT_BROKEN_DOWN: UNALLOCATED}
_ATTRIBUTES = (
    "OBS_STATUS",
    "CONF_STATUS",
    "UNIT_MEASURE",
    "UNIT_MULT",
    "NUMERATOR",
    "DENOMINATOR",
    "COMPLETENESS",
    "STATE",
    "COMMENT_OBS",
    "HUB_INDICATOR",
    "TITLE",
    "DEFINITION",
    "SECTION",
    "SOURCE",
    "TIER",
    "K",
    "NET",
    "LOG_POSITION",
    "PARAMETERS_HASH",
)


def dimensions(catalogue: Catalogue) -> tuple[str, ...]:
    """Return the ids of all dimensions but time, in the order of the columns: the same for every choice of figures."""
    by = {name for entry in catalogue.indicators for name in entry.by} | {BAND}
    return ("FREQ", "INDICATOR", *sorted(name.upper() for name in by))


def identified(code: str) -> str:
    """Return *code* as an id of SDMX, which has letters, digits, `_`, `@`, `$` and `-`."""
    return _SPECIAL.get(code) or _NO_ID.sub("_", code)


def obs_status(row: Observation) -> str:
    """Return the code of CL_OBS_STATUS that says what there is of *row*."""
    if row.state is State.MISSING:
        if row.reason == NOTHING_TO_DIVIDE:
            return "M"
        return "L" if row.measured.source is Source.NEITHER else "O"
    return {State.FULL: "A", State.PARTIAL: "U"}.get(row.state, "Q")


def as_sdmx(
    catalogue: Catalogue,
    rows: Sequence[Observation],
    state: LogState,
    metadata: Mapping[str, object],
    out: Path,
    version: Version,
) -> Mapping[Path, bytes]:
    """Return SDMX-CSV of *version*, and beside it the metadata with the code lists of all dimensions."""
    names = dimensions(catalogue)
    flow, first, start = _start(version)
    header = (*first, *names, "TIME_PERIOD", "OBS_VALUE", *_ATTRIBUTES)
    lines: list[tuple[Cell, ...]] = []
    for row in rows:
        key = _key(row)
        own = tuple(key.get(name, ALL) for name in names)
        lines.append((*start, *own, row.time, row.value, *_attributes(row, state)))
    said = {
        **metadata,
        "dataflow": flow,
        "dimensions": [*names, "TIME_PERIOD"],
        "code_lists": _code_lists(rows, names),
    }
    return {beside(out): as_json(said), out: csv_bytes(header, lines)}


def _start(version: Version) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the id of the dataflow, the headers of the first columns, and what stands in them."""
    if version == "2.1":
        flow = f"{AGENCY}:{FLOW_ID}(1.0)"
        return flow, ("DATAFLOW",), (flow,)
    flow = f"{AGENCY}:{FLOW_ID}(1.0.0)"
    # R: what is sent replaces an observation as a whole, so that an empty value takes an older one away.
    return flow, ("STRUCTURE", "STRUCTURE_ID", "ACTION"), ("dataflow", flow, "R")


def _key(row: Observation) -> dict[str, str]:
    """Return the codes of *row* by dimension, those that are not `_T`."""
    found = {"FREQ": "A" if row.yearly else "M", "INDICATOR": identified(row.entry.id)}
    return found if row.dimension == TOTAL else {**found, row.dimension.upper(): identified(row.code)}


def _attributes(row: Observation, state: LogState) -> tuple[Cell, ...]:
    return (
        obs_status(row),
        CONF_STATUS[state.tier],
        row.unit,
        0,
        row.numerator,
        row.denominator,
        row.completeness,
        str(row.state),
        row.reason,
        row.entry.id,
        row.entry.wording,
        row.entry.definition,
        section_of(row.entry),
        str(row.measured.source),
        state.tier,
        state.k,
        state.net,
        state.position,
        state.parameters_hash,
    )


def _code_lists(rows: Sequence[Observation], names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return by dimension the codes that *rows* use and what they are called."""
    lists: dict[str, dict[str, str]] = {name: {ALL: "total"} for name in names if name not in ("FREQ", "INDICATOR")}
    lists |= {"FREQ": {"A": "annual", "M": "monthly"}, "INDICATOR": {}, "OBS_STATUS": dict(OBS_STATUS)}
    for row in rows:
        lists["INDICATOR"][identified(row.entry.id)] = f"{row.entry.id}: {row.entry.wording}"
        if row.dimension != TOTAL:
            lists[row.dimension.upper()][identified(row.code)] = row.label
    return {name: dict(sorted(codes.items())) for name, codes in sorted(lists.items())}
