"""A rebuild in a process of its own, slow enough to be killed in the middle; see test_rebuild.py."""

import dataclasses
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from infra.home import Home
from projections import building as steps
from projections.pipeline import PIPELINE
from projections.projection import Countries, Event
from projections.rows import Row
from tests.projections.folding import building

PAUSE_S = 0.15


def main(home: Home, name: str, topic: str) -> None:
    """Rebuild the scratch copy *name* of the pipeline's counters, ten records a step."""
    steps.STEP_RECORDS = steps.READ_RECORDS = 10
    (table,) = PIPELINE.tables
    renamed = dataclasses.replace(table, name=f"{name}_count")

    def rows_of(event: Event, countries: Countries) -> Iterator[Row]:
        for row in PIPELINE.rows_of(event, countries):
            yield row._replace(table=renamed)

    own = dataclasses.replace(
        PIPELINE,
        name=name,
        definition=re.sub(r"\bpipeline_", f"{name}_", PIPELINE.definition),
        families=(topic,),
        tables=(renamed,),
        sheets=(),
        rows_of=rows_of,
    )
    with building(home, own, topic) as made:
        made.report = lambda _doing, _done, _total: time.sleep(PAUSE_S)
        (outcome,) = made.rebuild([own])
    print(outcome.state)  # noqa: T201


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3])
