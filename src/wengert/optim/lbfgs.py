"""L-BFGS: a quasi-Newton step from the last few changes of the gradient, with an optional strong Wolfe line search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import modes
from ..core.tensor import Tensor
from ..ops.install import FUNCTIONS
from .line_search import strong_wolfe
from .optimizer import Optimizer, ParamsT
from .update import view_as_real

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS over all parameters as one flat vector; ``step`` needs a closure and calls it several times.

    Raises ValueError for more than one parameter group; RuntimeError for a line search other than ``strong_wolfe``.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    # ---- the parameters as one vector

    def _gather_flat_grad(self) -> Tensor:
        """All gradients in one vector; zeros where there is none, complex numbers as pairs."""
        parts = []
        for p in self._params:
            if p.grad is None:
                part = p.new_zeros(p.numel() * (2 if p.is_complex() else 1), dtype=_real_dtype(p))
            else:
                part = (view_as_real(p.grad) if p.is_complex() else p.grad).reshape(-1)
            parts.append(part)
        return FUNCTIONS["cat"](parts, 0)  # type: ignore[no-any-return]

    def _add_grad(self, step_size: float | Tensor, direction: Tensor) -> None:
        """Move the parameters along the flat ``direction``."""
        at = 0
        for p in self._params:
            target = view_as_real(p) if p.is_complex() else p
            n = target.numel()
            part = direction[at : at + n].view_as(target)
            at += n
            if isinstance(step_size, Tensor):
                target.add_(part * step_size)
            else:
                target.add_(part, alpha=step_size)

    def _clone_param(self) -> list[Tensor]:
        return [p.detach().clone() for p in self._params]

    def _set_param(self, values: list[Tensor]) -> None:
        for p, value in zip(self._params, values, strict=True):
            p.copy_(value)

    # ---- the step

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """One round of at most ``max_iter`` iterations; returns the loss of its first evaluation."""
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        with modes.no_grad():
            return self._run(modes.enable_grad()(closure))

    def _run(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr = group["lr"]
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        tolerance_grad, tolerance_change = group["tolerance_grad"], group["tolerance_change"]
        search = group["line_search_fn"]
        # One state for all parameters: PyTorch keeps it under the first.
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        first_loss = closure()
        loss = _number(first_loss)
        evaluations = 1
        state["func_evals"] += 1
        flat_grad = self._gather_flat_grad()
        largest = flat_grad.abs().max()
        if largest <= tolerance_grad:
            return first_loss

        d, t = state.get("d"), state.get("t")
        old_dirs, old_stps, ro = state.get("old_dirs"), state.get("old_stps"), state.get("ro")
        h_diag = state.get("H_diag")
        previous_grad, previous_loss = state.get("prev_flat_grad"), state.get("prev_loss")
        iterations = 0
        while iterations < max_iter:
            iterations += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, old_dirs, old_stps, ro, h_diag = flat_grad.neg(), [], [], [], 1
            else:
                y = flat_grad.sub(previous_grad)
                s = d.mul(t)
                ys = y.dot(s)
                if ys > 1e-10:
                    if len(old_dirs) == group["history_size"]:
                        del old_dirs[0], old_stps[0], ro[0]
                    old_dirs.append(y)
                    old_stps.append(s)
                    ro.append(1.0 / ys)
                    h_diag = ys / y.dot(y)
                d = _two_loops(flat_grad, old_dirs, old_stps, ro, h_diag, state, group["history_size"])
            if previous_grad is None:
                previous_grad = flat_grad.clone()
            else:
                previous_grad.copy_(flat_grad)
            previous_loss = loss

            t = min(1.0, 1.0 / flat_grad.abs().sum()) * lr if state["n_iter"] == 1 else lr
            slope = flat_grad.dot(d)
            if slope > -tolerance_change:
                break

            calls = 0
            if search is not None:
                if search != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = self._clone_param()

                def evaluate(t: Any, d: Tensor = d, start: list[Tensor] = start) -> tuple[float, Tensor]:
                    self._add_grad(t, d)
                    value = _number(closure())
                    grad = self._gather_flat_grad()
                    self._set_param(start)
                    return value, grad

                loss, flat_grad, t, calls = strong_wolfe(
                    evaluate, t, d, loss, flat_grad, slope, max_ls=min(25, max_eval - evaluations)
                )
                self._add_grad(t, d)
                converged = bool(flat_grad.abs().max() <= tolerance_grad)
            else:
                self._add_grad(t, d)
                converged = False
                if iterations != max_iter:
                    with modes.enable_grad():
                        loss = _number(closure())
                    flat_grad = self._gather_flat_grad()
                    converged = bool(flat_grad.abs().max() <= tolerance_grad)
                    calls = 1
            evaluations += calls
            state["func_evals"] += calls

            if iterations == max_iter or evaluations >= max_eval or converged:
                break
            if d.mul(t).abs().max() <= tolerance_change or abs(loss - previous_loss) < tolerance_change:
                break

        state["d"], state["t"] = d, t
        state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = old_dirs, old_stps, ro, h_diag
        state["prev_flat_grad"], state["prev_loss"] = previous_grad, previous_loss
        return first_loss


def _number(loss: Any) -> float:
    return float(loss.detach()) if isinstance(loss, Tensor) else float(loss)


def _real_dtype(p: Tensor) -> Any:
    return p.dtype.to_real() if p.is_complex() else p.dtype


def _two_loops(
    grad: Tensor,
    changes: list[Tensor],
    moves: list[Tensor],
    ro: list[Tensor],
    h_diag: Any,
    state: dict[str, Any],
    history: int,
) -> Tensor:
    """The direction ``-H g`` of the inverse Hessian that the history describes."""
    n = len(changes)
    al = state.setdefault("al", [None] * history)
    q = grad.neg()
    for i in range(n - 1, -1, -1):
        al[i] = moves[i].dot(q) * ro[i]
        q.add_(changes[i] * -al[i])
    d = q.mul(h_diag)
    for i in range(n):
        beta = changes[i].dot(d) * ro[i]
        d.add_(moves[i] * (al[i] - beta))
    return d
