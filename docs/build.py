"""Builds the documentation from the code: `python docs/build.py [DIRECTORY]` (default: docs/_build).

Markdown pages: `ops.md`, the op table; a page for every public namespace with signatures and docstrings; `index.md`.
Needs nothing but the package itself. `python docs/build.py --ops` writes the op table alone, to docs/ops.md, which is
kept with the sources: do so when operations came, went or changed (no test compares it, so that two changes never
meet in it).
"""
from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "wengert"

# the public namespaces; those that do not exist yet are left out
NAMESPACES = """
    wengert wengert.autograd wengert.autograd.functional wengert.autograd.forward_ad wengert.autograd.graph
    wengert.func wengert.nn wengert.nn.functional wengert.nn.init wengert.nn.utils wengert.optim
    wengert.optim.lr_scheduler wengert.linalg wengert.fft wengert.special wengert.distributions
    wengert.utils.data wengert.utils.checkpoint wengert.inspect wengert.compile wengert.distributed
    wengert.serialization wengert.compat
""".split()


# ---------------------------------------------------------------------------------------------------------- the pages


def public_names(module: ModuleType) -> list[str]:
    """What `__all__` says, else everything public that is no module."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [name for name, value in vars(module).items() if not name.startswith("_")
                 and not isinstance(value, ModuleType) and getattr(value, "__module__", PACKAGE) != "__future__"]
    return sorted(set(names), key=str.lower)


def signature(value: Any) -> str:
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"


def summary(value: Any) -> str:
    """The first paragraph of the docstring, on one line."""
    text = inspect.getdoc(value) or ""
    return " ".join(text.split("\n\n")[0].split())


def own_members(cls: type) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(vars(cls).items()):
        if not name.startswith("_") and (callable(value) or isinstance(value, (property, classmethod, staticmethod))):
            yield name, value


def entry(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, type):
        yield f"### class {name}\n"
        yield (inspect.getdoc(value) or "").strip() + "\n" if value.__doc__ else ""
        for member, function in own_members(value):
            plain = getattr(function, "__func__", function)
            shown = member if isinstance(function, property) else f"{member}{signature(plain)}"
            yield f"- `{shown}` {summary(function)}".rstrip()
        yield ""
    elif callable(value):
        yield f"### {name}{signature(value)}\n".replace("_", "\\_")
        yield (inspect.getdoc(value) or "") + "\n"
    else:
        yield f"### {name}\n".replace("_", "\\_")
        yield f"`{type(value).__name__}`\n"


def namespace_page(module: ModuleType, names: list[str]) -> str:
    lines = [f"# {module.__name__}\n", (inspect.getdoc(module) or "") + "\n"]
    for name in names:
        lines += entry(name, getattr(module, name))
    return "\n".join(lines).rstrip() + "\n"


# ------------------------------------------------------------------------------------------------------- the op table


def saves(op: Any) -> str:
    """What a recorded call keeps: the names in its rules that are inputs or outputs (shapes cost nothing)."""
    found: dict[str, None] = {}
    for wanted in op.wants.values():
        for name in wanted:
            if name in op.inputs or name == "out" or name.startswith("out") and name[3:].isdigit():
                found[name] = None
    return ", ".join(found) or "nothing"


def reverse(op: Any) -> str:
    """How gradients are made."""
    if not op.takes_gradient:
        return "no derivative"
    if callable(op.vjp):
        return "one rule"
    without = [name for name in op.inputs if name not in op.vjp]
    return "each input" if not without else "but for " + ", ".join(without)


def second_order(op: Any, samples: dict[str, Any]) -> str:
    """The rules run on tensors too, so every order is derived, unless the samples say that there is none."""
    if not op.takes_gradient:
        return ""
    entry = samples.get(op.name)
    return "none" if entry is not None and entry.flags.get("second") is False else "derived"


def complex_numbers(op: Any, samples: dict[str, Any]) -> str:
    """Whether the operation is checked with complex numbers; empty where it has no samples of its own name."""
    entry = samples.get(op.name)
    return "" if entry is None else "no" if entry.flags.get("complex") is False else "yes"


def forward_mode(op: Any) -> str:
    if not op.takes_gradient:
        return "no derivative"
    if op.jvp is not None:
        return "by hand"
    return "from the vjp, twice" if op.kind == "general" else "derived"


def batching(op: Any) -> str:
    if op.batch is not None:
        return "by hand"
    rule_for = importlib.import_module(f"{PACKAGE}.core.batching").rule_for
    return "a loop" if rule_for(op) is None else "derived"


def debts(op: Any) -> str:
    """What the design asks of an op and this one lacks."""
    found = []
    if op.takes_gradient and forward_mode(op).startswith("from"):
        found.append("no jvp of its own")
    if batching(op) == "a loop":
        found.append("no batch rule")
    return ", ".join(found)


def known_debts() -> dict[str, list[str]]:
    """Function -> the checks of the test table that are known to fail (tests/op_debts.py)."""
    file = ROOT / "tests" / "op_debts.py"
    if not file.exists():
        return {}
    spec = importlib.util.spec_from_file_location("op_debts", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, list[str]] = {}
    for name, check in module.DEBTS:
        found.setdefault(name, []).append(check)
    return found


def functions_table(functions: dict[str, Any], samples: dict[str, Any], table: dict[str, Any]) -> list[str]:
    """Every public function: whether it is a primitive or a composite, how many samples check it, what is left out, and
    which checks fail."""
    owed = known_debts()
    lines = [
        "| function | made of | samples | checks left out | checks that fail |",
        "|---|---|---|---|---|",
    ]
    for name in sorted(set(functions) | set(samples), key=str.lower):
        entry = samples.get(name)
        made_of = "a primitive" if name in table else "primitives"
        flags = entry.flags if entry else {}
        left_out = ", ".join(f"{flag}" for flag, value in flags.items() if value is False)
        if flags.get("why_not"):
            left_out += f": {flags['why_not']}"
        fails = ", ".join(owed.get(name, ()))
        lines.append(f"| {name} | {made_of} | {len(entry.cases) if entry else 'none'} | {left_out} | {fails} |")
    return lines


def batched_how(table: dict[str, Any]) -> str:
    """A sentence of counts: derivatives and batching."""
    ways = [batching(op) for op in table.values()]
    plain = sum(not op.takes_gradient for op in table.values())
    twice = sum(forward_mode(op).startswith("from") for op in table.values() if op.takes_gradient)
    return (
        f"Batching: {ways.count('by hand')} have a rule of their own, {ways.count('derived')} that of their kind, "
        f"{ways.count('a loop')} loop. {plain} have no derivative; {twice} have no forward rule of their own.\n"
    )


def ops_page(table: dict[str, Any], functions: dict[str, Any], samples: dict[str, Any]) -> str:
    kinds = sorted({op.kind for op in table.values()})
    owing = sum(bool(debts(op)) for op in table.values())
    unchecked = sum(name not in samples for name in functions)
    lines = [
        "# The op table\n",
        f"{len(table)} primitives: "
        + ", ".join(f"{sum(op.kind == kind for op in table.values())} {kind}" for kind in kinds)
        + f". {owing} have debts. Everything else is composed of these.\n",
        batched_how(table),
        "*saves* is what a recorded call keeps alive besides shapes and parameters.\n",
        "| op | kind | inputs | parameters | node | saves | reverse | forward mode | second order | batching | complex "
        "| debts |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, op in sorted(table.items()):
        node, kept = (op.Node.__name__, saves(op)) if op.takes_gradient else ("", "")
        cells = [name, op.kind, ", ".join(op.inputs), ", ".join(op.params), node, kept, reverse(op), forward_mode(op),
                 second_order(op, samples), batching(op), complex_numbers(op, samples), debts(op)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "\n# Public functions\n",
        f"{len(functions)} functions, {sum(len(e.cases) for e in samples.values())} samples; {unchecked} have no samples "
        f"(some are second names of one that has); {sum(map(len, known_debts().values()))} checks are known to fail.\n",
    ]
    return "\n".join(lines + functions_table(functions, samples, table)) + "\n"


# -------------------------------------------------------------------------------------------------------------- build


def find(name: str) -> ModuleType | None:
    """The namespace, or None where this package does not have it (yet)."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            return None
        raise


def tables() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The primitives, the public functions, and the samples."""
    importlib.import_module(PACKAGE)  # fills them
    return (
        importlib.import_module(f"{PACKAGE}.core.primitive").TABLE,
        importlib.import_module(f"{PACKAGE}.ops.install").FUNCTIONS,
        importlib.import_module(f"{PACKAGE}.core.samples").SAMPLES,
    )


def build(directory: Path) -> list[str]:
    """Writes every page; gives their names."""
    table, functions, samples = tables()
    directory.mkdir(parents=True, exist_ok=True)
    pages = {"ops.md": ops_page(table, functions, samples)}
    index = [f"# {PACKAGE}\n", f"- [The op table](ops.md): {len(table)} primitives, {len(functions)} functions"]
    for name in NAMESPACES:
        module = find(name)
        if module is None:
            continue
        names = public_names(module)
        pages[f"{name}.md"] = namespace_page(module, names)
        index.append(f"- [{name}]({name}.md): {len(names)} names")
    pages["index.md"] = "\n".join(index) + "\n"
    for file, text in pages.items():
        (directory / file).write_text(text, "utf-8")
    return sorted(pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "docs" / "_build")
    parser.add_argument("--ops", action="store_true", help="write docs/ops.md, the op table, alone")
    options = parser.parse_args()
    directory = options.directory
    if importlib.util.find_spec(PACKAGE) is None:
        sys.path.insert(0, str(ROOT / "src"))
    if options.ops:
        (ROOT / "docs" / "ops.md").write_text(ops_page(*tables()), "utf-8")
        return
    print(f"{len(build(directory))} pages in {directory}")


if __name__ == "__main__":
    main()
