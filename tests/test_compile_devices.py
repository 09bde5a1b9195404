"""Compiled programs on several devices of XLA, and programs kept between processes."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")

SRC = Path(__file__).resolve().parents[1] / "src"
STEP = """
import sys
import wengert as torch
torch.manual_seed(0)

def make(**options):
    torch.manual_seed(1)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def step(x, y):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return model, torch.compile(step, fullgraph=True, **options)

x, y = torch.randn(8, 3), torch.randn(8, 1)
"""
MESH = STEP + """
import jax
assert len(jax.devices()) == 4
(a, one), (b, four) = make(), make(options={"mesh": 4})
for _ in range(5):
    assert torch.allclose(one(x, y), four(x, y), rtol=1e-5)
assert all(torch.allclose(p, q, rtol=1e-4, atol=1e-6) for p, q in zip(a.parameters(), b.parameters()))
assert torch.allclose(a[1].running_mean, b[1].running_mean, rtol=1e-4, atol=1e-6)
value = four._compiled.entries[0].program.residents[0].value
assert len(value.sharding.device_set) == 4
try:
    make(options={"mesh": 99})[1](x, y)
except RuntimeError as error:
    assert "the mesh asks for 99 devices and XLA has 4" in str(error)
else:
    raise SystemExit("99 devices were found")
print("equal")
"""
CACHE = STEP + """
torch.compiler.set_cache_dir(sys.argv[1])
_, step = make(options={"platform": "cpu"})
print([round(step(x, y).item(), 6) for _ in range(3)])
"""


def run(code: str, *args: str, flags: str = "") -> str:
    env = {**os.environ, "PYTHONPATH": str(SRC), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", code, *args], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_a_batch_divided_among_devices() -> None:
    assert run(MESH, flags="--xla_force_host_platform_device_count=4") == "equal"


def test_programs_are_kept_between_processes(tmp_path: Path) -> None:
    first = run(CACHE, str(tmp_path))
    kept = sorted(p.name for p in tmp_path.iterdir())
    assert any("program" in name for name in kept)
    assert run(CACHE, str(tmp_path)) == first
    assert sorted(p.name for p in tmp_path.iterdir() if p.name in kept) == kept


def test_jax_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, wengert\nf = wengert.compile(lambda x: x)\nassert 'jax' not in sys.modules\nprint('light')"
    assert run(code) == "light"
