"""Records what PyTorch gives for every sample (recorded/ops.json.gz), and strikes debts that are paid (op_debts.py).

`python tests/record_ops.py [values] [debts] [add]`; needs PyTorch. `values` writes the record, `debts` takes out of the
table what passes by now and prints what fails without standing in it; only `add` puts that in too.
"""
from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from op_checks import CHECKS, EXCEPTIONS, RECORDED, digest, run  # noqa: E402
from op_debts import DEBTS  # noqa: E402
from op_inputs import calls, outcome  # noqa: E402
from wengert.check import NotApplicable  # noqa: E402
from wengert.core.samples import SAMPLES  # noqa: E402

HEAD = '''# ruff: noqa: E501
"""What the op table still owes: (operation, check) -> what is wrong. Written by record_ops.py; may only shrink.

Every entry is expected to fail: a test that passes says so, and then its entry must go.
"""
from __future__ import annotations

DEBTS: dict[tuple[str, str], str] = {
'''


def record_values() -> None:
    import torch

    found = {}
    for name, entry in SAMPLES.items():
        if (name, "values") in EXCEPTIONS:
            continue
        found[name] = {repr(call.case): digest(outcome(torch, entry, call)) for call in calls(name)}
    RECORDED.parent.mkdir(exist_ok=True)
    text = json.dumps(found, separators=(",", ":"), sort_keys=True)
    RECORDED.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def record_debts(add: bool) -> None:
    lines, paid, new = [], 0, 0
    for check in CHECKS:
        for name in sorted(SAMPLES):
            try:
                complaints = run(check, name)
            except NotApplicable:
                continue
            known = (name, check) in DEBTS
            if not complaints:
                paid += known
                continue
            if not known:
                new += 1
                print(f"{'added' if add else 'new'}: {name}, {check}: {complaints[0]}")
            if known or add:
                first = complaints[0] if len(complaints[0]) <= 160 else complaints[0][:157] + "..."
                more = f" ({len(complaints)} in all)" if len(complaints) > 1 else ""
                lines.append(f"    ({json.dumps(name)}, {json.dumps(check)}): {json.dumps(first + more)},")
    (HERE / "op_debts.py").write_text(HEAD + "\n".join(lines) + "\n}\n", "utf-8")
    print(f"{len(lines)} debts; {paid} are paid, {new} are new")


if __name__ == "__main__":
    wanted = sys.argv[1:]
    if "values" in wanted:
        record_values()
    if "debts" in wanted or "add" in wanted:
        record_debts("add" in wanted)
