"""The mapping at work on one file: a row goes in, its events and faults come out. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.event_ids import row_event_id
from connectors.importing.cleaning import Clean, Cleaner
from connectors.importing.context import Context, Getter, Test
from connectors.importing.getters import Compiler
from connectors.importing.headers import HUB_COLUMNS, HUB_FILE, HUB_ROW, HUB_TEXT
from connectors.importing.rows import Fault, Row
from connectors.importing.spec import Check, Column, Entry, Event, Plain, Spec
from connectors.importing.targets import Target, fields_of, record_list, target
from connectors.importing.walking import columns_of_rule, mapped_columns, rules_of
from schemas.catalogue import contract
from schemas.errors import Problem
from schemas.json_form import EVENT_TYPE
from schemas.shapes import Record, shape_of

_NO_EVENT = Fault("", "no-event", "no event of the mapping fits the row: correct it, or add a case to the mapping")
_NOT_SPLIT = Fault(HUB_TEXT, "not-split", "write the text into the columns, then empty `hub_text`")
_NOT_OURS = Fault(HUB_ROW, "not-a-row-number", "leave `hub_row` and `hub_file` as the hub wrote them")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ROW = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(slots=True)
class Mapped:
    """What one row gives."""

    events: list[tuple[int, dict[str, object]]] = field(repr=False)
    """Each with the number of its plan in the mapping."""
    faults: list[Fault]
    repairs: list[str]
    """Rules of what was repaired, one entry for each cell."""
    reports: list[str]
    """Rules of checks that only tell."""
    cells: Sequence[Clean] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One event of a row, compiled."""

    type: str
    test: Test | None
    fields: Mapping[str, Getter]
    entries: Mapping[str, list[tuple[Test | None, Mapping[str, Getter]]]]
    columns: Mapping[str, tuple[str, ...]]
    """Path of a field -> the columns that it comes from."""


class Mapper:
    """Maps the rows of one file; *file* is its digest, *key* makes the ids of the agency."""

    def __init__(
        self, spec: Spec, columns: Sequence[str], *, agency: str, key: bytes, file: str, parameters: Mapping[str, Plain]
    ) -> None:
        self._agency, self._key, self._file = agency, key, file
        self._columns = tuple(columns)
        place_by_column = {name: place for place, name in enumerate(columns)}
        self._hub = tuple(place_by_column.get(name) for name in (HUB_ROW, HUB_FILE, HUB_TEXT))
        used = {*mapped_columns(spec), *HUB_COLUMNS}
        self._used = frozenset(place for place, name in enumerate(columns) if name in used)
        self._cleaner = Cleaner(spec.file.missing)
        compiler = Compiler(
            place_by_column=place_by_column,
            tables=spec.tables,
            parameters=parameters,
            key=key,
            known_texts=_texts_of_one_column(spec),
        )
        self._plans = [_plan(compiler, spec, event) for event in spec.events]
        self._values = [compiler.values(column, texts) for column, texts in spec.values.items()]
        self._checks: list[tuple[Check, Test]] = []
        for check in spec.checks:
            test = compiler.test(check.when)
            assert test is not None
            self._checks.append((check, test))

    def map(self, row: Row) -> Mapped:
        """Return the events of *row*, or what is wrong with it."""
        if row.fault is not None:
            return Mapped([], [row.fault], [], [])
        cells, repairs, faults = self._cleaner.clean(row.cells)
        context = Context(cells, row.number, self._file)
        context.faults += [
            Fault(self._columns[place], each.rule, each.advice) for each, place in faults if place in self._used
        ]
        self._take_origin(context)
        reports = self._check(context)
        events: list[tuple[int, dict[str, object]]] = []
        for index, plan in enumerate(self._plans):
            if plan.test is None or plan.test(cells):
                events.append((index, self._event(plan, index, context)))
        if not events and not context.faults:
            context.faults.append(_NO_EVENT)
        counted = dict.fromkeys([*((rule, place) for rule, place in repairs if place in self._used), *context.repairs])
        return Mapped([] if context.faults else events, context.faults, [rule for rule, _ in counted], reports, cells)

    def fault_of(self, problem: Problem, index: int) -> Fault:
        """Return the fault of a row whose event by plan *index* has the *problem*."""
        path = re.sub(r"\[\d+\]", "", problem.path)
        columns = self._plans[index].columns
        steps = path.split(".")
        for length in range(len(steps), 0, -1):
            above = ".".join(steps[:length])
            named = [
                column
                for found, names in columns.items()
                if found == above or found.startswith(f"{above}.")
                for column in names
            ]
            if named:
                return Fault(named[0], problem.rule, f"{problem.path}: {problem.advice}")
        return Fault("", problem.rule, f"{problem.path}: {problem.advice}")

    def cells_of(self, row: Row) -> Sequence[Clean]:
        """Return the cells of *row*, clean; nothing for a row that could not be read."""
        return () if row.fault is not None else self._cleaner.clean(row.cells)[0]

    def _take_origin(self, context: Context) -> None:
        """Let a row of a file of refused rows keep the identity that it had in its source."""
        row, file, text = (None if place is None else context.cells[place] for place in self._hub)
        if text is not None:
            context.faults.append(_NOT_SPLIT)
        if row is None and file is None:
            return
        if isinstance(row, str) and isinstance(file, str) and _ROW.fullmatch(row) and _DIGEST.fullmatch(file):
            context.row, context.file = int(row), file
        else:
            context.faults.append(_NOT_OURS)

    def _check(self, context: Context) -> list[str]:
        for look in self._values:
            look(context)
        reports = []
        for check, test in self._checks:
            if test(context.cells):
                if check.action == "report":
                    reports.append(check.rule)
                else:
                    context.faults.append(Fault(check.column, check.rule, check.advice))
        return reports

    def _event(self, plan: _Plan, index: int, context: Context) -> dict[str, object]:
        event: dict[str, object] = {EVENT_TYPE: plan.type}
        envelope: dict[str, object] = {
            "event_id": row_event_id(self._key, context.file, context.row, index),
            "agency": self._agency,
        }
        event["envelope"] = envelope
        _fill(event, plan.fields, context)
        if "occurred_at" in envelope:
            envelope.setdefault("recorded_at", envelope["occurred_at"])
        for path, entries in plan.entries.items():
            found = [_filled(getters, context) for test, getters in entries if test is None or test(context.cells)]
            if found:
                _put(event, path, found)
        return event


def _plan(compiler: Compiler, spec: Spec, event: Event) -> _Plan:
    shape = shape_of(contract(event.type))
    fields = fields_of(spec, event)
    columns = {path: tuple(columns_of_rule(rule, spec.tables)) for path, rule in fields.items()}
    columns["envelope.recorded_at"] = columns.get("envelope.occurred_at", ())  # it is taken to be the same moment
    entries = {}
    for path, several in event.records.items():
        inner = record_list(shape, path)
        assert not isinstance(inner, str)
        entries[path] = [_entry(compiler, inner, entry) for entry in several]
        columns |= {
            f"{path}.{name}": tuple(columns_of_rule(rule, spec.tables))
            for entry in several
            for name, rule in entry.fields.items()
        }
    return _Plan(
        type=event.type,
        test=compiler.test(event.when),
        fields={path: compiler.getter(rule, _target(shape, path)) for path, rule in fields.items()},
        entries=entries,
        columns=columns,
    )


def _entry(
    compiler: Compiler, inner: tuple[Record, tuple[str, ...]], entry: Entry
) -> tuple[Test | None, Mapping[str, Getter]]:
    shape, roles = inner
    getters = {path: compiler.getter(rule, _target(shape, path, roles)) for path, rule in entry.fields.items()}
    return compiler.test(entry.when), getters


def _target(shape: Record, path: str, roles: tuple[str, ...] = ()) -> Target:
    found = target(shape, path, roles)
    assert isinstance(found, Target), "a mapping is checked before it is used"
    return found


def _filled(getters: Mapping[str, Getter], context: Context) -> dict[str, object]:
    record: dict[str, object] = {}
    _fill(record, getters, context)
    return record


def _fill(record: dict[str, object], getters: Mapping[str, Getter], context: Context) -> None:
    for path, get in getters.items():
        value = get(context)
        if value is not None:
            _put(record, path, value)


def _put(record: dict[str, object], path: str, value: object) -> None:
    *above, last = path.split(".")
    for step in above:
        inner = record.setdefault(step, {})
        assert isinstance(inner, dict)
        record = inner
    record[last] = value


def _texts_of_one_column(spec: Spec) -> Mapping[str, str]:
    """Return the texts that the table of exactly one column has, with the column."""
    columns: dict[str, set[str]] = {}
    for rule in _column_rules(spec):
        table = spec.tables.get(rule.map, {}) if isinstance(rule.map, str) else rule.map or {}
        for text in table:
            columns.setdefault(text, set()).add(rule.column)
    return {text: next(iter(found)) for text, found in columns.items() if len(found) == 1}


def _column_rules(spec: Spec) -> Iterable[Column]:
    return (rule for rule in rules_of(spec) if isinstance(rule, Column))
