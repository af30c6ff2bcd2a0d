"""A proposed mapping as TOML: mapped columns with how sure they are and why, the others as lines to decide."""

import json
import re
from collections.abc import Iterator, Mapping

from connectors.importing.proposing import Match, Proposal, fields_for
from connectors.importing.sampling import Sample
from connectors.importing.targets import FILLED_IN
from schemas.catalogue import contract
from schemas.codelists import code_list
from schemas.shapes import Field, Record, shape_of

_CAUTIOUS = {
    "envelope.officer_ref": '{ value = "import" }',
    "envelope.assertion": '{ value = "ASSESSMENT" }',
    "envelope.source_grade": '{ value = "X" }',
    "envelope.information_grade": '{ value = "4" }',
    "envelope.handling": '{ value = "H0" }',
    "envelope.tlp": '{ value = "AMBER+STRICT" }',
}
_CODES_SHOWN = 12
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_of(proposal: Proposal, sample: Sample, title: str, others: list[Proposal]) -> str:
    """Return the mapping that *proposal* writes down, with what is left to decide."""
    return "\n".join([*_head(proposal, sample, title, others), *_fields(proposal), *_undecided(proposal)]) + "\n"


def _head(proposal: Proposal, sample: Sample, title: str, others: list[Proposal]) -> Iterator[str]:
    yield f"# Proposed by `hub mapping new` from {sample.rows:,} rows. Decide the lines that begin with `# ?`, then ask"
    yield "# `hub mapping check`. An import refuses a file with a column that is neither mapped nor under [ignored]."
    if others:
        rest = ", ".join(f"{other.event_type} ({other.score:.1f})" for other in others[:3])
        yield f"# Event type: {proposal.event_type} fits best ({proposal.score:.1f}); next: {rest}."
    yield f"title = {_text(title)}"
    yield ""
    yield "[file]"
    if sample.delimiter:
        yield f"delimiters = [{_text(sample.delimiter)}]"
    yield 'missing = []  # texts that mean "no value"; never "NA" where countries have two letters'
    yield ""


def _fields(proposal: Proposal) -> Iterator[str]:
    yield "[[events]]"
    yield f"type = {_text(proposal.event_type)}"
    yield ""
    yield "[events.fields]"
    for match in proposal.matches.values():
        yield from _mapped(match)
    for path, table in proposal.flags.items():
        rule = _inline({"flags": table, "yes": sorted(proposal.yes), "no": sorted(proposal.no)})
        yield f"{_text(path)} = {rule}  # sure: the columns are named like the codes"
    filled = {match.path for match in proposal.matches.values()} | proposal.flags.keys()
    for path, entry in _mandatory(proposal.event_type, filled).items():
        yield _to_decide(path, entry)
    yield ""


def _mapped(match: Match) -> Iterator[str]:
    rule = _inline({"column": match.column, **match.rule})
    yield f"{_text(match.path)} = {rule}  # {match.word} ({match.confidence:.2f}): {match.why}"
    if match.open:
        yield "# ? other texts here are refused until the mapping has them; one may be a name, so none is shown"


def _undecided(proposal: Proposal) -> Iterator[str]:
    yield "[ignored]"
    for column, guess in proposal.unsure.items():
        line = f'# ? {_text(column)} = "…"'
        if column in proposal.hints:
            yield f"{line}  # {proposal.hints[column]}"
        elif guess is None:
            yield f"{line}  # no field fits: say why it is left out, or map it"
        else:
            table = guess.rule.get("map")
            short = {} if isinstance(table, Mapping) and len(table) > _CODES_SHOWN else guess.rule
            rule = _inline({"column": column, **short})
            yield f"{line}  # or {_key(guess.path)} = {rule} ({guess.confidence:.2f}: {guess.why})"


def _mandatory(event_type: str, filled: set[str]) -> Mapping[str, Field]:
    """Return the fields that an event cannot do without and that no column fills."""
    needed = _needed(shape_of(contract(event_type)), "", filled)
    return {path: entry for path, entry in fields_for(event_type).items() if path in needed and path not in filled}


def _needed(record: Record, above: str, filled: set[str]) -> set[str]:
    found: set[str] = set()
    for entry in record.fields:
        path = f"{above}{entry.name}"
        if isinstance(entry.shape, Record):
            if entry.mandatory or any(other.startswith(f"{path}.") for other in filled):
                found |= _needed(entry.shape, f"{path}.", filled)
        elif entry.mandatory and path not in FILLED_IN:
            found.add(path)
    return found


def _to_decide(path: str, entry: Field) -> str:
    if path in _CAUTIOUS:
        return f"{_text(path)} = {_CAUTIOUS[path]}  # the cautious choice; say better what you know"
    if entry.privacy.get("class") == "LINK" and entry.text("codes") is None:
        return f'{_text(path)} = {{ template = "{{file}}-{{row}}" }}  # no column fits: made from file and row'
    allowed = entry.texts("allowed") or (tuple(code_list(codes).codes) if (codes := entry.text("codes")) else ())
    hint = (
        f"one of {', '.join(allowed[:_CODES_SHOWN])}{', …' if len(allowed) > _CODES_SHOWN else ''}; " if allowed else ""
    )
    return f'# ? {_text(path)} = {{ value = "…" }}  # {hint}{entry.attributes.get("doc", "")}'


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(str(key))} = {_inline(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else str(value)
