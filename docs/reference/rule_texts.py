# ruff: noqa: INP001 - beside a program, not in a package
"""Reads rules from the syntax of the modules that check events: wherever a rule's code stands beside its advice."""

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
CODEC = "schemas/codec.py"
"""What it raises is the advice of `malformed-record`."""
RULE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
UNSAID = "…"
"""Stands for what is known only when the rule is broken."""


class Rule(NamedTuple):
    """A rule's code, one piece of its advice, and the field it points at where the source says so."""

    code: str
    advice: str
    path: str = ""


def rules_of_module(path: str) -> Iterator[Rule]:
    """Yield what the module at *path* can find wrong, in the three ways in which ours write it down."""
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    for scope in ast.walk(_tree(path)):
        if not isinstance(scope, ast.Module | ast.FunctionDef):
            continue
        names = _names_of(vars(module))
        for node in _own_nodes(scope):
            _learn(node, names)
            if (found := _rule_and_advice(node)) is None or not _is_rule(found[1]):
                continue
            rule = ast.literal_eval(found[1])
            advice = _text(found[2], names)
            if advice is None and path.startswith("streams") and rule == "malformed-record":
                yield from (Rule("malformed-record", text) for text in _raised_by_codec())
            elif advice is not None and " " in advice:
                yield Rule(rule, advice, _path(found[0], names))


def rules_of_function(function: Callable[..., object]) -> tuple[Rule, ...]:
    """Return what *function* can find wrong, with the functions of its module that it calls; each rule once."""
    path = Path(inspect.getfile(function)).relative_to(PROJECT).as_posix()
    closure = inspect.getclosurevars(function)
    names = {**_names_of(closure.globals), **_names_of(closure.nonlocals)}
    found = _rules_below(_tree(path), function.__qualname__.split(".")[0], names, set())
    return tuple(dict.fromkeys(found))


def _rules_below(tree: ast.Module, name: str, names: Mapping[str, str], seen: set[str]) -> Iterator[Rule]:
    """Yield the rules of the function *name* of a module, and of those that it calls there."""
    node = next((each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name), None)
    if node is None or name in seen:
        return
    seen.add(name)
    known = dict(names)
    for each in ast.walk(node):
        _learn(each, known)
        if (found := _rule_and_advice(each)) is not None and _is_rule(found[1]):
            advice = _text(found[2], known)
            if advice is not None and " " in advice:
                yield Rule(ast.literal_eval(found[1]), advice, _path(found[0], known))
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            yield from _rules_below(tree, each.func.id, {}, seen)


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((PROJECT / path).read_text("utf-8"))


def _names_of(variables: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in variables.items() if isinstance(value, str | int)}


def _is_rule(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and RULE.fullmatch(str(node.value)) is not None


def _path(node: ast.expr | None, names: Mapping[str, str]) -> str:
    """Return the field that a finding points at, nothing when only the event tells."""
    found = (_text(node, names) if node is not None else None) or ""
    return "" if UNSAID in found else found.removeprefix(".")


def _rule_and_advice(node: ast.AST) -> tuple[ast.expr | None, ast.expr, ast.expr] | None:
    match node:
        case ast.Call(func=ast.Name("Problem"), args=[path, rule, advice]):
            return path, rule, advice
        case ast.Call(func=ast.Name("_finding"), args=[rule, advice]):
            return None, rule, advice
        case ast.Call(func=ast.Name("_code_check"), args=[_, _, rule]):
            return None, rule, ast.Constant(f"use one of: {UNSAID}")
        case ast.Tuple(elts=[path, rule, advice]):
            return path, rule, advice
        case ast.Tuple(elts=[rule, advice]):
            return None, rule, advice
    return None


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of *scope* that belong to no function inside it, in the order of the source."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, ast.FunctionDef):
            yield from _own_nodes(child)


def _learn(node: ast.AST, names: dict[str, str]) -> None:
    """Note in *names* the text that an assignment gives, so that what follows can use it."""
    match node:
        case ast.Assign(targets=[ast.Name(name)], value=value) if (text := _text(value, names)) is not None:
            names[name] = text


def _text(node: ast.AST, names: Mapping[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(name):
            return names.get(name)
        case ast.JoinedStr(values):
            return "".join(_text(value, names) or UNSAID for value in values)
        case ast.FormattedValue(value=inner):
            return _text(inner, names)
    return None


def _raised_by_codec() -> Iterator[str]:
    for node in ast.walk(_tree(CODEC)):
        match node:
            case ast.Call(func=ast.Name("MalformedRecordError"), args=[message]):
                text = _text(message, {})
                if text and "does not fit" not in text:  # said when writing
                    yield text
