"""`python -m wengert.check NAME ...`: the rows of operations in the op table, and what the laws say of their samples.

Without names: every operation, one line each. The exit status is 1 if a law is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import wengert

from ..core.primitive import TABLE, Primitive
from ..core.samples import SAMPLES, Case, Entry
from . import LAWS, NotApplicable, apply, build, function


def row(prim: Primitive) -> Iterator[str]:
    """What the table knows of a primitive."""
    yield f"  primitive     {prim.kind}({', '.join((*prim.inputs, *prim.params))})"
    if not prim.takes_gradient:
        yield "  derivative    none"
        return
    yield f"  node          {prim.Node.__name__}"
    for name, wanted in prim.wants.items():
        yield f"  saves         {', '.join(wanted) or 'nothing'} (for {'all inputs' if name == 'joint' else name})"
    forward = "by hand" if prim.jvp is not None else "from the backward rule" if prim.kind == "general" else "derived"
    yield f"  forward mode  {forward}"


def judge(entry: Entry, case: Case, kind: str, law: str) -> str | None:
    """None where the law holds, else what is wrong; NotApplicable where it says nothing."""
    call = build(entry, case, kind)
    try:
        apply(law, entry, function(wengert, entry.name), call)
    except NotApplicable:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def kinds(entry: Entry) -> list[str]:
    """The dtypes that the samples are made in."""
    found = [] if entry.flags.get("real") is False else ["float64"]
    return found if entry.flags.get("complex") is False else [*found, "complex128"]


def check(entry: Entry, brief: bool) -> bool:
    """Print the row of an operation; whether all laws hold."""
    if not brief:
        print(f"torch.{entry.name}: {len(entry.cases)} samples")
        for flag, value in entry.flags.items():
            print(f"  {flag:<13} {value}")
        prim = TABLE.get(entry.name.rpartition(".")[2]) or TABLE.get(entry.name.replace(".", "_"))
        print("\n".join(row(prim)) if prim is not None else "  composed of primitives")
    complaints = []
    for law in LAWS:
        held = 0
        for kind in kinds(entry):
            for case in entry.cases:
                try:
                    complaint = judge(entry, case, kind, law)
                except NotApplicable:
                    continue
                if complaint is None:
                    held += 1
                else:
                    complaints.append((law, kind, case, complaint))
        if not brief:
            broken = sum(c[0] == law for c in complaints)
            said = f"{broken} of {held + broken} broken" if broken else f"holds for {held}" if held else "says nothing"
            print(f"  {law:<22} {said}")
    if brief:
        print(f"{entry.name:<40} {'ok' if not complaints else ', '.join(dict.fromkeys(c[0] for c in complaints))}")
    else:
        for law, kind, case, complaint in complaints:
            print(f"\n{law}, {case} in {kind}:\n{complaint}")
    return not complaints


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m wengert.check", description=__doc__)
    parser.add_argument("name", nargs="*", help="an operation: sin, linalg.qr, nn.functional.conv2d, Tensor.fill_")
    names = parser.parse_args().name
    unknown = [n for n in names if n.removeprefix("torch.") not in SAMPLES]
    if unknown:
        parser.error(f"no samples of {', '.join(unknown)}; there are those of {', '.join(sorted(SAMPLES))}")
    results = [check(SAMPLES[n.removeprefix("torch.")], brief=not names) for n in names or sorted(SAMPLES)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
