"""Builds the documentation from the code: `python docs/build.py [DIRECTORY]` (default: docs/_build).

Markdown pages: `ops.md`, the op table; a page for every public namespace with signatures and docstrings; `index.md`.
Needs nothing but the package itself. `python docs/build.py --ops` writes the op table alone, to docs/ops.md, which is
kept with the sources: do so when operations came, went or changed; `--ops --check` fails if it is not what would be
written. No cell of its tables is empty: "derived" comes from the op's kind, "fallback" is what every op can do, slowly.
"""
from __future__ import annotations

import argparse
import dis
import importlib
import importlib.util
import inspect
import itertools
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "wengert"

NO_DERIVATIVE, REFUSED, FALLBACK, NOT_MET = "no derivative", "refused", "fallback", "not by samples"

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


def without_derivative(op: Any) -> str:
    """Why there is none: NO_DERIVATIVE, or REFUSED for a rule that only raises; empty where there is one."""
    if not op.takes_gradient:
        return NO_DERIVATIVE
    raises = callable(op.vjp) and not any(i.opname.startswith("RETURN") for i in dis.get_instructions(op.vjp))
    return REFUSED if raises or op.Node.__name__ == "NotImplemented" else ""


def reverse(op: Any) -> str:
    """How gradients are made."""
    if without_derivative(op):
        return without_derivative(op)
    if callable(op.vjp):
        return "one rule"
    without = [name for name in op.inputs if name not in op.vjp]
    return "each input" if not without else "but for " + ", ".join(without)


def second_order(op: Any, samples: dict[str, Any]) -> str:
    """The rules run on tensors too, so every order is derived, unless the samples say that there is none."""
    if without_derivative(op):
        return without_derivative(op)
    entry = samples.get(op.name)
    return "none" if entry is not None and entry.flags.get("second") is False else "derived"


def numbers(op: Any, samples: dict[str, Any], met: dict[str, set[str]]) -> str:
    """With which numbers the samples check the operation: those of its own name, else those whose graphs it stands in."""
    entry = samples.get(op.name)
    kinds = met.get(op.name, set()) if entry is None else sample_kinds(entry)
    return " and ".join(word for word, kind in (("real", "float64"), ("complex", "complex128")) if kind in kinds) or NOT_MET


def sample_kinds(entry: Any) -> list[str]:
    """The dtypes that the samples of a function are checked in."""
    return [kind for flag, kind in (("real", "float64"), ("complex", "complex128")) if entry.flags.get(flag) is not False]


def met_by_samples(samples: dict[str, Any]) -> dict[str, set[str]]:
    """Primitive -> the dtypes of the samples that have it in their graph, or in the graph of their gradient."""
    package, check = importlib.import_module(PACKAGE), importlib.import_module(f"{PACKAGE}.check.inputs")
    laws = importlib.import_module(f"{PACKAGE}.check.laws")
    grad = importlib.import_module(f"{PACKAGE}.autograd").grad
    met: dict[str, set[str]] = {}
    warnings.simplefilter("ignore")
    for entry in samples.values():
        fn = check.function(package, entry.name)
        for kind, case in itertools.product(sample_kinds(entry), entry.cases):
            call = check.build(entry, case, kind)
            xs = [package.tensor(a, requires_grad=g) for a, g in zip(call.arrays, call.grads, strict=True)]
            package.manual_seed(0)
            try:
                out = [y for y in laws.fields(call.run(fn, xs)) if y.requires_grad]
                for prim in primitives_of(out):
                    met.setdefault(prim, set()).add(kind)
                wanted = [x for x in xs if x.requires_grad] if out else []
                first = grad(out, wanted, laws.random_like(out, 7), allow_unused=True, create_graph=True) if wanted else ()
                for prim in primitives_of([g for g in first if g is not None]):
                    met.setdefault(prim, set()).add(kind)
            except (NotImplementedError, RuntimeError):  # the sample is for other dtypes, or without this derivative
                continue
    return met


def primitives_of(tensors: list[Any]) -> set[str]:
    """The primitives in the graph of these tensors."""
    todo = [t.grad_fn for t in tensors if t.grad_fn is not None]
    seen = {id(node): node for node in todo}
    while todo:
        for node, _ in todo.pop().next_functions:
            if node is not None and id(node) not in seen:
                seen[id(node)] = node
                todo.append(node)
    return {node.prim.name for node in seen.values() if getattr(node, "prim", None) is not None}


def forward_mode(op: Any) -> str:
    if without_derivative(op):
        return without_derivative(op)
    if op.jvp is not None:
        return "by hand"
    return FALLBACK if op.kind == "general" else "derived"


def batching(op: Any) -> str:
    if op.batch is not None:
        return "by hand"
    rule_for = importlib.import_module(f"{PACKAGE}.core.batching").rule_for
    return FALLBACK if rule_for(op) is None else "derived"


def debts(op: Any) -> str:
    """What the design asks of an op and this one lacks."""
    found = []
    if forward_mode(op) == FALLBACK:
        found.append("no jvp of its own")
    if batching(op) == FALLBACK:
        found.append("no batch rule")
    return ", ".join(found) or "none"


def test_module(name: str) -> ModuleType:
    """A module of tests/."""
    place = str(ROOT / "tests")
    if place not in sys.path:
        sys.path.append(place)
    return importlib.import_module(name)


def known_debts() -> dict[str, list[str]]:
    """Function -> the checks of the test table that are known to fail (tests/op_debts.py)."""
    found: dict[str, list[str]] = {}
    for name, check in test_module("op_debts").DEBTS:
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
    first = first_names(functions, samples)
    for name in sorted(set(functions) | set(samples), key=str.lower):
        made_of = "a primitive" if name in table else "primitives"
        entry = samples.get(first.get(name, ""))
        if entry is None:
            lines.append(f"| {name} | {made_of} | none | no samples | not by samples |")
            continue
        left_out = ", ".join(flag for flag, value in entry.flags.items() if value is False) or "none"
        if entry.flags.get("why_not"):
            left_out += f": {entry.flags['why_not']}"
        count = str(len(entry.cases)) if entry.name == name else f"those of {entry.name}"
        lines.append(f"| {name} | {made_of} | {count} | {left_out} | {', '.join(owed.get(entry.name, ())) or 'none'} |")
    return lines


def first_names(functions: dict[str, Any], samples: dict[str, Any]) -> dict[str, str]:
    """Public function -> the name that its samples stand under: its own, that of the same function, or that of the
    function that it is the in-place form of (which is checked with it)."""
    found = {name: name for name in samples}
    same = {functions[name]: name for name in samples if name in functions}
    for name, function in functions.items():
        if name not in found and function in same:
            found[name] = same[function]
    for name in functions:
        if name not in found and name.endswith("_") and name[:-1] in found:
            found[name] = found[name[:-1]]
    return found


def counts(table: dict[str, Any]) -> Iterator[str]:
    """A line for each column that says where a rule comes from."""
    order = ("each input", "one rule", "by hand", "derived", FALLBACK, REFUSED, NO_DERIVATIVE)
    for title, column in (("Forward mode", forward_mode), ("Batching", batching)):
        ways = Counter(column(op) for op in table.values())
        yield f"- {title}: {', '.join(f'{ways[way]} {way}' for way in order if ways[way])}"


def ops_page(table: dict[str, Any], functions: dict[str, Any], samples: dict[str, Any]) -> str:
    kinds = sorted({op.kind for op in table.values()})
    owing = sum(debts(op) != "none" for op in table.values())
    first = first_names(functions, samples)
    unchecked = sum(name not in first for name in functions)
    met = met_by_samples(samples)
    checked = [numbers(op, samples, met) for _, op in sorted(table.items())]
    lines = [
        "# The op table\n",
        f"{len(table)} primitives: "
        + ", ".join(f"{sum(op.kind == kind for op in table.values())} {kind}" for kind in kinds)
        + f". {owing} have debts. Everything else is composed of these.\n",
        *counts(table),
        f"- Checked with: {', '.join(f'{n} {word}' for word, n in sorted(Counter(checked).items()))} (but by tests of their "
        "own, or inside functions that leave no graph)\n",
        "*saves* is what a recorded call keeps alive besides shapes and parameters. *derived*: from the kind of the op. "
        "*fallback*: what any op can do, slower: the vjp twice for forward mode, a loop for batching. "
        "*refused*: PyTorch has no such derivative either, and this is its error. *checked with*: the "
        "numbers of the samples that meet it, or its gradient.\n",
        "| op | kind | inputs | parameters | node | saves | reverse | forward mode | second order | batching "
        "| checked with | debts |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, op), numbers_of_it in zip(sorted(table.items()), checked, strict=True):
        node, kept = (op.Node.__name__, saves(op)) if op.takes_gradient else ("none", "nothing")
        cells = [name, op.kind, ", ".join(op.inputs) or "none", ", ".join(op.params) or "none", node, kept, reverse(op),
                 forward_mode(op), second_order(op, samples), batching(op), numbers_of_it, debts(op)]
        assert all(cells), f"an empty cell in the row of {name}: {cells}"
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "\n# Public functions\n",
        f"{len(functions)} functions, {sum(len(e.cases) for e in samples.values())} samples; {unchecked} have "
        f"none, nor are they second names or in-place forms of one that has: factories, random numbers, storages ... have "
        f"tests of their own. {sum(map(len, known_debts().values()))} checks are known to fail.\n",
        *functions_table(functions, samples, table),
        *differences(),
    ]
    return "\n".join(lines) + "\n"


def differences() -> Iterator[str]:
    """Where the checks do not hold this package to PyTorch, or to a law, on purpose (tests/op_checks.py)."""
    checks = test_module("op_checks")
    by_reason: dict[str, dict[str, list[str]]] = {}
    for (name, check), why in checks.EXCEPTIONS.items():
        by_reason.setdefault(why, {}).setdefault(name, []).append(check)
    yield "\n# Differences by design\n"
    functions = {name for name, _ in checks.EXCEPTIONS}
    yield (f"{len(checks.EXCEPTIONS)} checks of {len(functions)} functions are not made, and why. "
           f"{len(checks.DIFFERENTIATED)} functions have a derivative here by inputs by which PyTorch has none.\n")
    yield "| functions | checks | why |"
    yield "|---|---|---|"
    for why, names in by_reason.items():
        made = sorted({check for found in names.values() for check in found})
        yield f"| {', '.join(sorted(names))} | {', '.join(made)} | {why} |"
    yield f"| {', '.join(sorted(checks.DIFFERENTIATED))} | refusals | the derivative is here, and held to the laws |"


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
    parser.add_argument("--check", action="store_true", help="with --ops: fail if docs/ops.md is not what would be written")
    options = parser.parse_args()
    directory = options.directory
    if importlib.util.find_spec(PACKAGE) is None:
        sys.path.insert(0, str(ROOT / "src"))
    if options.ops:
        file, text = ROOT / "docs" / "ops.md", ops_page(*tables())
        if options.check:
            sys.exit(None if file.exists() and file.read_text("utf-8") == text else "docs/ops.md is stale: docs/build.py --ops")
        file.write_text(text, "utf-8")
        print("\n".join(text.split("\n\n")[2].splitlines()))
        return
    print(f"{len(build(directory))} pages in {directory}")


if __name__ == "__main__":
    main()
