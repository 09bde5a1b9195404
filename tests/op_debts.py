"""What the op table still owes: (operation, check) -> what is wrong. Written by record_ops.py; may only shrink.

Every entry is expected to fail: a test that passes says so, and then its entry must go.
"""
from __future__ import annotations

DEBTS: dict[tuple[str, str], str] = {
}
