"""What people see of the demonstration: a live picture while it runs, a summary at the end, on standard error."""

from collections.abc import Mapping
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from connectors.demo.searching import Searched
from connectors.demo.tally import Tally, percentile


class Screen:
    """Shows a run; on something that is no terminal, one line for each change of what is going on."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._last = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, doing: str, tally: Tally) -> None:
        """Show what is going on, with the counts so far."""
        if self._live is not None:
            self._live.update(_picture(doing, tally))
        elif (month := doing.rpartition(" ")[0][2:]) != self._last:  # a line a month, not one a day
            self._last = month
            self._console.print(f"  {doing} …", markup=False)

    def result(self, tally: Tally, where: str) -> None:
        """Show the summary, what does not add up, and where to look next."""
        console = self._console
        console.print(Group(_flow(tally), _arrivals(tally)))
        half, most = percentile(tally.latencies_ms, 50), percentile(tally.latencies_ms, 99)
        console.print(
            f"From publishing to a partner's opened feed: half within {half} ms, 99 % within {most} ms", markup=False
        )
        if tally.searched is not None:
            console.print(_of_search(tally.searched), markup=False)
        if faults := tally.faults():
            console.print("These counts do not add up:", style="bold red")
            for fault in faults:
                console.print(f"  {fault}", style="red", markup=False)
        else:
            console.print("All counts add up: nothing lost, nothing twice, every refusal explained.", style="green")
        console.print(where, markup=False, soft_wrap=True)


def _of_search(searched: Searched) -> str:
    """Return what the search has looked at and found, in a sentence."""
    where = f"{searched.files:,} files ({searched.size_bytes / 1e6:,.0f} MB) and {searched.records:,} records"
    what = f"{searched.values:,} names, dates of birth, contacts, references and texts"
    arriving = (
        f"only in {len(searched.arriving)} of agencies' own topics and their files, which are not truncated yet"
        if searched.arriving
        else "found nowhere"
    )
    return f"Searched {where} for {what} in clear: {'FOUND' if searched.found else arriving}"


def _picture(doing: str, tally: Tally) -> Panel:
    return Panel(Group(Text(doing, style="bold"), _flow(tally), _arrivals(tally)), title="The hub at work")


def _flow(tally: Tally) -> Table:
    side_by_side = Table.grid(padding=(0, 2))
    side_by_side.add_row(_agencies(tally), _counts("family", "sent", tally.by_family), _answers(tally))
    return side_by_side


def _agencies(tally: Tally) -> Table:
    """Return what each kind of agency has published, a column for each country."""
    countries = sorted({agency.partition("-")[0] for agency in tally.by_agency})
    table = _plain("published by", *countries)
    for kind in sorted({agency.partition("-")[2] for agency in tally.by_agency}):
        numbers = (tally.by_agency[f"{country}-{kind}"] for country in countries)
        table.add_row(kind, *(str(number) if number else "" for number in numbers))
    return table


def _answers(tally: Tally) -> Table:
    table = _plain("receipts", "")
    for outcome in ("ACCEPTED", "DUPLICATE", "REFUSED"):
        table.add_row(outcome.lower(), str(tally.outcomes[outcome]))
    for rule, number in sorted(tally.refused_by_rule.items()):
        table.add_row(f"  {rule}", str(number))
    return table


def _arrivals(tally: Tally) -> Table:
    stored = _plain("kept by the hub", "")
    stored.add_row("ledger", str(tally.ledger) if tally.ledger else "…")
    for tier, found in tally.anonymous.items():
        stored.add_row(f"anon.{tier}, rows of all runs", str(found.rows))
        stored.add_row(
            "  smallest class, persons", "nothing has left yet" if found.smallest is None else str(found.smallest)
        )
    for name, number in tally.projections.items():
        stored.add_row(f"projection {name}, all runs", str(number))
    side_by_side = Table.grid(padding=(0, 2))
    side_by_side.add_row(_counts("partner feed", "events", tally.feeds), stored)
    return side_by_side


def _counts(title: str, unit: str, counts: Mapping[str, int]) -> Table:
    table = _plain(title, unit)
    for name, number in sorted(counts.items()):
        table.add_row(name, str(number))
    return table


def _plain(title: str, *units: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(title, no_wrap=True)
    for unit in units:
        table.add_column(unit, justify="right", no_wrap=True)
    return table
