"""Rules of a mapping compiled: each becomes a function from a row to a value, None where there is none."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.importing.cells import cell_converter
from connectors.importing.cleaning import Clean
from connectors.importing.coding import code_of
from connectors.importing.context import Context, Getter, Test
from connectors.importing.converting import (
    Convert,
    Converted,
    country_named,
    country_of,
    date_of,
    in_any_case,
    language_named,
    number_of,
)
from connectors.importing.groups import group_getter
from connectors.importing.rows import Fault
from connectors.importing.spec import (
    All,
    Cases,
    Column,
    Condition,
    Constant,
    Derived,
    First,
    Flags,
    Group,
    Join,
    Literals,
    Not,
    Parameter,
    Plain,
    Rule,
    Template,
    When,
)
from connectors.importing.targets import Target
from connectors.importing.texts import join_getter, template_getter, uuid_getter
from connectors.importing.walking import columns_of_rule
from schemas.errors import MisuseError
from schemas.shapes import Scalar

_MEMO_MAX = 50_000
_CONVERTERS: Mapping[str, Convert] = {
    "alpha-2": country_of,
    "country-name": country_named,
    "language-name": language_named,
}
_EMPTY = ("empty-cell", "give the cell a value: the event cannot do without")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """Compiles rules for a file whose columns stand at known places."""

    place_by_column: Mapping[str, int]
    tables: Mapping[str, Mapping[str, Literals]]
    parameters: Mapping[str, Plain]
    key: bytes = field(repr=False)
    """Of the agency, for ids that nobody else can guess."""
    known_texts: Mapping[str, str] = field(default_factory=dict)
    """Text -> the one column whose table has it."""

    def getter(self, rule: Rule, to: Target) -> Getter:
        """Return what gets the value of the field *to*; for a list, a list."""
        get = self._getter(rule, to)
        return _mandatory(get, self._where(rule)) if to.is_mandatory else get

    def values(self, column: str, texts: Sequence[str]) -> Getter:
        """Return what refuses a row whose *column* holds none of *texts*."""
        to = Target(path="", scalar=Scalar.STRING, is_list=False, is_mandatory=False, codes=None, accepted=None)
        return self._column(Column(column=column, map=dict(zip(texts, texts, strict=True))), to)

    def test(self, when: When | None) -> Test | None:
        """Return what tells whether a row fits *when*, None when every row does."""
        if when is None:
            return None
        several = [self._one_test(each) for each in ([when] if isinstance(when, dict) else when)]
        return several[0] if len(several) == 1 else lambda cells: any(test(cells) for test in several)

    def _getter(self, rule: Rule, to: Target) -> Getter:
        if isinstance(rule, (Constant, Parameter)):
            value = rule.value if isinstance(rule, Constant) else self._parameter(rule, to)
            constant = [value] if to.is_list and not isinstance(value, list) else value
            return lambda _context: constant
        if isinstance(rule, Column):
            return self._column(rule, to)
        if isinstance(rule, Flags):
            return self._flags(rule)
        if isinstance(rule, Cases):
            return self._cases(rule, to)
        if isinstance(rule, Join):
            return join_getter(rule, self.place_by_column)
        if isinstance(rule, Group):
            return group_getter(rule, self.place_by_column)
        if isinstance(rule, Template):
            return template_getter(rule, self.place_by_column)
        if isinstance(rule, Derived):
            return uuid_getter(rule, self.key)
        return self._several(rule, to)

    def _parameter(self, rule: Parameter, to: Target) -> Plain:
        value = self.parameters[rule.parameter]
        if to.accepted is not None and value not in to.accepted:
            raise MisuseError(f"`--set {rule.parameter}=…` needs a code of the list {to.codes}")
        try:
            if isinstance(value, str) and to.scalar is Scalar.DATE:
                return dt.date.fromisoformat(value)
            if isinstance(value, str) and to.scalar is Scalar.TIMESTAMP:
                moment = dt.datetime.fromisoformat(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        except ValueError:
            raise MisuseError(f"`--set {rule.parameter}=…` needs a date: YYYY-MM-DD") from None
        return value

    def _column(self, rule: Column, to: Target) -> Getter:
        place = self.place_by_column.get(rule.column)
        empty = (
            [rule.empty] if to.is_list and rule.empty is not None and not isinstance(rule.empty, list) else rule.empty
        )
        convert = self._converter(rule, to)
        memo: dict[Clean, Converted] = {}

        def get(context: Context) -> object:
            cell = None if place is None else context.cells[place]  # the file may lack an optional column
            if cell is None or place is None:
                if rule.required and empty is None:
                    context.faults.append(Fault(rule.column, *_EMPTY))
                return empty
            found = memo.get(cell)
            if found is None:
                found = convert(cell)
                if len(memo) < _MEMO_MAX:
                    memo[cell] = found
            if found.rule:
                context.faults.append(Fault(rule.column, found.rule, found.advice))
                return None
            for repair in found.repairs:
                context.repairs.append((repair, place))
            return empty if found.value is None else found.value

        return get

    def _converter(self, rule: Column, to: Target) -> Callable[[Clean], Converted]:
        table = self.tables[rule.map] if isinstance(rule.map, str) else rule.map
        one: Convert = Converted
        if table is not None:
            one = code_of(
                table,
                {text: column for text, column in self.known_texts.items() if column != rule.column},
                otherwise=rule.otherwise,
                any_case=rule.case == "any",
                separator=rule.split,
            )
        elif rule.convert is not None:
            one = _CONVERTERS[rule.convert]
            one = in_any_case(one) if rule.case == "any" else one
        elif rule.number is not None:
            one = number_of(rule.number, to.scalar)
        elif rule.date:
            one = date_of(rule, to.scalar)
        return cell_converter(rule, to, one)

    def _flags(self, rule: Flags) -> Getter:
        table = self.tables[rule.flags] if isinstance(rule.flags, str) else rule.flags
        places = [
            (self.place_by_column[name], name, code) for name, code in table.items() if name in self.place_by_column
        ]
        picked = frozenset(rule.yes if rule.pick == "yes" else rule.no)
        others: frozenset[Clean] = frozenset([*(rule.no if rule.pick == "yes" else rule.yes), None])

        def get(context: Context) -> object:
            cells = context.cells
            found = [code for place, _, code in places if cells[place] in picked]
            for place, name, _ in places:
                if cells[place] not in others and cells[place] not in picked:
                    context.faults.append(Fault(name, "not-a-flag", f"write {_listed(rule)}, or leave the cell empty"))
            return [*dict.fromkeys(found)] or None

        return get

    def _cases(self, rule: Cases, to: Target) -> Getter:
        tests = [(self._always(case.when), _listed_value(case.value, to)) for case in rule.cases]
        otherwise = None if rule.otherwise is None else _listed_value(rule.otherwise, to)

        def get(context: Context) -> object:
            for fits, value in tests:
                if fits(context.cells):
                    return value
            return otherwise

        return get

    def _several(self, rule: All | First, to: Target) -> Getter:
        inner = [self._getter(each, to) for each in (rule.all if isinstance(rule, All) else rule.first)]

        def get_first(context: Context) -> object:
            return next((value for get in inner if (value := get(context)) is not None), None)

        def get_all(context: Context) -> object:
            entries: dict[object, None] = {}
            for get in inner:
                value = get(context)
                entries |= dict.fromkeys(value if isinstance(value, list) else [] if value is None else [value])
            return [*entries] or None

        return get_all if isinstance(rule, All) else get_first

    def _one_test(self, condition: Condition) -> Test:
        wanted = [
            (self.place_by_column.get(column), _texts(value), isinstance(value, Not))
            for column, value in condition.items()
        ]

        def fits(cells: Sequence[Clean]) -> bool:
            for place, texts, negated in wanted:
                cell = None if place is None else cells[place]
                if (cell in texts or ("*" in texts and cell is not None)) == negated:
                    return False
            return True

        return fits

    def _always(self, when: When) -> Test:
        test = self.test(when)
        assert test is not None
        return test

    def _where(self, rule: Rule) -> str:
        return next(columns_of_rule(rule, self.tables), "")


def _mandatory(get: Getter, column: str) -> Getter:
    def checked(context: Context) -> object:
        value = get(context)
        if value is None and not any(fault.column == column for fault in context.faults):
            context.faults.append(Fault(column, *_EMPTY))
        return value

    return checked


def _texts(value: str | list[str] | Not) -> frozenset[Clean]:
    texts = value.texts if isinstance(value, Not) else [value] if isinstance(value, str) else value
    return frozenset(text or None for text in texts)


def _listed(rule: Flags) -> str:
    return " or ".join([*rule.yes, *rule.no])


def _listed_value(value: Literals, to: Target) -> Literals:
    return [value] if to.is_list and not isinstance(value, list) else value
