"""Mutants of a module: every condition of its rules turned off, one at a time.

An `if` never holds, one operand of an `and` or `or` is gone, one filter of a comprehension, one part of a formatted
text (the associated data of a seal is one), and named numbers are one.
"""

import ast
import copy
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one condition turned off."""

    label: str
    """Function and change, such as `_failure without not kept`."""
    module: ModuleType


def mutants(module: ModuleType, *functions: str, numbers: tuple[str, ...] = ()) -> Iterator[Mutant]:
    """Yield every mutant of *functions* of *module* (methods as `Class.name`), and of the constants *numbers*."""
    source = ast.parse(inspect.getsource(module))
    for place, (where, _) in enumerate(_changes(source, functions, numbers)):
        tree = copy.deepcopy(source)
        nodes = list(_changes(tree, functions, numbers))
        assert nodes[place][0] == where
        nodes[place][1]()
        yield Mutant(where, _loaded(module, tree))


def unchanged(module: ModuleType) -> ModuleType:
    """Return *module* loaded as a mutant is, without any change: what holds of it must go on to hold."""
    return _loaded(module, ast.parse(inspect.getsource(module)))


def _loaded(module: ModuleType, tree: ast.Module) -> ModuleType:
    made = ModuleType(module.__name__)
    made.__file__, made.__package__ = module.__file__, module.__package__
    exec(compile(ast.fix_missing_locations(tree), str(module.__file__), "exec"), made.__dict__)  # noqa: S102 - our own
    return made


def _changes(tree: ast.Module, functions: tuple[str, ...], numbers: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield a label and what makes the change, for every change to *tree*."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in numbers:
            yield f"{node.targets[0].id} = 1", _setter(node, "value", ast.Constant(1))  # type: ignore[attr-defined]
    found = dict(_functions(tree))
    assert found.keys() >= set(functions), set(functions) - found.keys()
    for name in functions:
        for node in ast.walk(found[name]):
            yield from ((f"{name} {label}", change) for label, change in _of_node(node))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _of_node(node: ast.AST) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.If() | ast.IfExp():
            yield f"never {ast.unparse(node.test)}", _setter(node, "test", ast.Constant(value=False))
        case ast.BoolOp():
            for number, operand in enumerate(node.values):
                neutral = ast.Constant(value=isinstance(node.op, ast.And))
                rest: list[ast.expr] = [*node.values[:number], neutral, *node.values[number + 1 :]]
                yield f"without {ast.unparse(operand)}", _setter(node, "values", rest)
        case ast.comprehension():
            for number, condition in enumerate(node.ifs):
                rest = [*node.ifs[:number], *node.ifs[number + 1 :]]
                yield f"without if {ast.unparse(condition)}", _setter(node, "ifs", rest)
        case ast.JoinedStr():
            for number, part in enumerate(node.values):
                if isinstance(part, ast.FormattedValue):
                    rest = [*node.values[:number], *node.values[number + 1 :]]
                    yield f"without {ast.unparse(part)}", _setter(node, "values", rest)


def _setter(node: ast.AST, name: str, value: object) -> Any:
    return lambda: setattr(node, name, value)
