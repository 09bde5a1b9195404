"""The optimisers as functions over lists: torch.optim.adam.adam, torch.optim._functional.adam and the others.

Parameters and states are changed in place; a step counter is raised before it is used. The rules are those of the
classes; `foreach`, `fused`, `capturable` and `has_complex` choose among PyTorch's implementations and change nothing here.
"""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from .update import RuleOptimizer

__all__ = ["adadelta", "adagrad", "adam", "adamax", "adamw", "asgd", "nadam", "radam", "rmsprop", "rprop", "sgd"]

Tensors = list[Tensor]


def _apply(
    cls: type[RuleOptimizer], group: dict[str, Any], params: Tensors, grads: Tensors, differentiable: bool, **states: Any
) -> None:
    """One step of `cls` with the options `group`, on states given as lists by name."""
    for name in cls.counters:
        if not all(isinstance(t, Tensor) for t in states[name]):
            raise RuntimeError("API has changed, `state_steps` argument must contain a list of singleton tensors")
    optimizer = object.__new__(cls)
    optimizer.defaults = {"differentiable": differentiable}
    names = optimizer.slots(group)
    for i, (p, grad) in enumerate(zip(params, grads, strict=True)):
        state = {name: values[i] for name, values in states.items() if name in names or name in cls.counters}
        optimizer._step_tensor(p, grad, state, names, group)
        for name in names:  # a differentiable step makes new ones
            states[name][i] = state[name]


def sgd(
    params: Tensors, d_p_list: Tensors, momentum_buffer_list: list[Tensor | None], has_sparse_grad: bool = False,
    foreach: bool | None = None, fused: bool | None = None, grad_scale: Any = None, found_inf: Any = None, *,
    weight_decay: float, momentum: float, lr: float, dampening: float, nesterov: bool, maximize: bool,
) -> None:  # fmt: skip
    """One step of SGD. A missing momentum buffer (None) is put into the list."""
    from .sgd import SGD
    from .update import zeros_like

    group = {"weight_decay": weight_decay, "momentum": momentum, "lr": lr, "dampening": dampening, "nesterov": nesterov,
             "maximize": maximize}  # fmt: skip
    for i, p in enumerate(params):
        options = group
        if momentum != 0 and momentum_buffer_list[i] is None:
            momentum_buffer_list[i] = zeros_like(p)
            options = {**group, "first": True}
        buffers = [momentum_buffer_list[i]] if momentum != 0 else []
        _apply(SGD, options, [p], [d_p_list[i]], False, momentum_buffer=buffers)


def adam(
    params: Tensors, grads: Tensors, exp_avgs: Tensors, exp_avg_sqs: Tensors, max_exp_avg_sqs: Tensors,
    state_steps: Tensors, foreach: bool | None = None, capturable: bool = False, differentiable: bool = False,
    fused: bool | None = None, grad_scale: Any = None, found_inf: Any = None, has_complex: bool = False,
    decoupled_weight_decay: bool = False, *, amsgrad: bool, beta1: Any, beta2: Any, lr: Any, weight_decay: float,
    eps: float, maximize: bool,
) -> None:  # fmt: skip
    """One step of Adam."""
    from .adam import Adam

    group = {"amsgrad": amsgrad, "betas": (beta1, beta2), "lr": lr, "weight_decay": weight_decay, "eps": eps,
             "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay}  # fmt: skip
    _apply(Adam, group, params, grads, differentiable, step=state_steps, exp_avg=exp_avgs, exp_avg_sq=exp_avg_sqs,
           max_exp_avg_sq=max_exp_avg_sqs)  # fmt: skip


def adamw(
    params: Tensors, grads: Tensors, exp_avgs: Tensors, exp_avg_sqs: Tensors, max_exp_avg_sqs: Tensors,
    state_steps: Tensors, foreach: bool | None = None, capturable: bool = False, differentiable: bool = False,
    fused: bool | None = None, grad_scale: Any = None, found_inf: Any = None, has_complex: bool = False, *,
    amsgrad: bool, beta1: Any, beta2: Any, lr: Any, weight_decay: float, eps: float, maximize: bool,
) -> None:  # fmt: skip
    """One step of AdamW."""
    adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps, differentiable=differentiable,
         decoupled_weight_decay=True, amsgrad=amsgrad, beta1=beta1, beta2=beta2, lr=lr, weight_decay=weight_decay,
         eps=eps, maximize=maximize)  # fmt: skip


def adadelta(
    params: Tensors, grads: Tensors, square_avgs: Tensors, acc_deltas: Tensors, state_steps: Tensors,
    capturable: bool = False, foreach: bool | None = None, differentiable: bool = False, has_complex: bool = False, *,
    lr: float, rho: float, eps: float, weight_decay: float, maximize: bool,
) -> None:  # fmt: skip
    """One step of Adadelta."""
    from .adadelta import Adadelta

    group = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
    _apply(Adadelta, group, params, grads, differentiable, step=state_steps, square_avg=square_avgs, acc_delta=acc_deltas)


def adagrad(
    params: Tensors, grads: Tensors, state_sums: Tensors, state_steps: Tensors, fused: bool | None = None,
    grad_scale: Any = None, found_inf: Any = None, has_sparse_grad: bool = False, foreach: bool | None = None,
    differentiable: bool = False, has_complex: bool = False, *, lr: float, weight_decay: float, lr_decay: float,
    eps: float, maximize: bool,
) -> None:  # fmt: skip
    """One step of Adagrad."""
    from .adagrad import Adagrad

    group = {"lr": lr, "weight_decay": weight_decay, "lr_decay": lr_decay, "eps": eps, "maximize": maximize}
    _apply(Adagrad, group, params, grads, differentiable, step=state_steps, sum=state_sums)


def adamax(
    params: Tensors, grads: Tensors, exp_avgs: Tensors, exp_infs: Tensors, state_steps: Tensors,
    foreach: bool | None = None, maximize: bool = False, differentiable: bool = False, capturable: bool = False,
    has_complex: bool = False, *, eps: float, beta1: float, beta2: float, lr: float, weight_decay: float,
) -> None:  # fmt: skip
    """One step of Adamax."""
    from .adamax import Adamax

    group = {"eps": eps, "betas": (beta1, beta2), "lr": lr, "weight_decay": weight_decay, "maximize": maximize}
    _apply(Adamax, group, params, grads, differentiable, step=state_steps, exp_avg=exp_avgs, exp_inf=exp_infs)


def asgd(
    params: Tensors, grads: Tensors, axs: Tensors, mus: Tensors, etas: Tensors, state_steps: Tensors,
    foreach: bool | None = None, maximize: bool = False, differentiable: bool = False, capturable: bool = False,
    has_complex: bool = False, *, lambd: float, lr: float, t0: float, alpha: float, weight_decay: float,
) -> None:  # fmt: skip
    """One step of ASGD."""
    from .asgd import ASGD

    group = {"lambd": lambd, "lr": lr, "t0": t0, "alpha": alpha, "weight_decay": weight_decay, "maximize": maximize}
    _apply(ASGD, group, params, grads, differentiable, step=state_steps, eta=etas, mu=mus, ax=axs)


def nadam(
    params: Tensors, grads: Tensors, exp_avgs: Tensors, exp_avg_sqs: Tensors, mu_products: Tensors, state_steps: Tensors,
    decoupled_weight_decay: bool = False, foreach: bool | None = None, capturable: bool = False,
    differentiable: bool = False, has_complex: bool = False, maximize: bool = False, *, beta1: float, beta2: float,
    lr: float, weight_decay: float, momentum_decay: float, eps: float,
) -> None:  # fmt: skip
    """One step of NAdam."""
    from .nadam import NAdam

    group = {"betas": (beta1, beta2), "lr": lr, "weight_decay": weight_decay, "momentum_decay": momentum_decay, "eps": eps,
             "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay}  # fmt: skip
    _apply(NAdam, group, params, grads, differentiable, step=state_steps, mu_product=mu_products, exp_avg=exp_avgs,
           exp_avg_sq=exp_avg_sqs)  # fmt: skip


def radam(
    params: Tensors, grads: Tensors, exp_avgs: Tensors, exp_avg_sqs: Tensors, state_steps: Tensors,
    decoupled_weight_decay: bool = False, foreach: bool | None = None, differentiable: bool = False,
    capturable: bool = False, has_complex: bool = False, maximize: bool = False, *, beta1: float, beta2: float, lr: float,
    weight_decay: float, eps: float,
) -> None:  # fmt: skip
    """One step of RAdam."""
    from .radam import RAdam

    group = {"betas": (beta1, beta2), "lr": lr, "weight_decay": weight_decay, "eps": eps, "maximize": maximize,
             "decoupled_weight_decay": decoupled_weight_decay}  # fmt: skip
    _apply(RAdam, group, params, grads, differentiable, step=state_steps, exp_avg=exp_avgs, exp_avg_sq=exp_avg_sqs)


def rmsprop(
    params: Tensors, grads: Tensors, square_avgs: Tensors, grad_avgs: Tensors, momentum_buffer_list: Tensors,
    state_steps: Tensors, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
    capturable: bool = False, has_complex: bool = False, *, lr: float, alpha: float, eps: float, weight_decay: float,
    momentum: float, centered: bool,
) -> None:  # fmt: skip
    """One step of RMSprop."""
    from .rmsprop import RMSprop

    group = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum,
             "centered": centered, "maximize": maximize}  # fmt: skip
    _apply(RMSprop, group, params, grads, differentiable, step=state_steps, square_avg=square_avgs, grad_avg=grad_avgs,
           momentum_buffer=momentum_buffer_list)  # fmt: skip


def rprop(
    params: Tensors, grads: Tensors, prevs: Tensors, step_sizes: Tensors, state_steps: Tensors,
    foreach: bool | None = None, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    has_complex: bool = False, *, step_size_min: float, step_size_max: float, etaminus: float, etaplus: float,
) -> None:  # fmt: skip
    """One step of Rprop."""
    from .rprop import Rprop

    group = {"step_sizes": (step_size_min, step_size_max), "etas": (etaminus, etaplus), "maximize": maximize}
    _apply(Rprop, group, params, grads, differentiable, step=state_steps, prev=prevs, step_size=step_sizes)
