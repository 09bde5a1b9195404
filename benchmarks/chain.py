"""A long chain of scalar operations: time per operation, forward and backward, must stay flat up to a million."""

from __future__ import annotations

import time


def main() -> None:
    import wengert as torch

    first = None
    for n in (1_000, 10_000, 100_000, 1_000_000):
        rounds = max(1, 20_000 // n)
        start = time.perf_counter()
        for _ in range(rounds):
            x = torch.tensor(1.0, requires_grad=True)
            y = x
            for _ in range(n):
                y = y * 1.0000001
            y.backward()
            assert x.grad is not None
            del y
        per_op = (time.perf_counter() - start) / (rounds * n)
        first = first or per_op
        print(f"{n:9d} operations: {per_op * 1e6:6.2f} us each, {per_op / first:4.2f} of the time at 1,000", flush=True)


if __name__ == "__main__":
    main()
