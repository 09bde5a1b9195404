"""Finds a pendulum's length and damping from its recorded swing, by differentiating through the simulation."""
import torch

GRAVITY, DT, STEPS = 9.81, 0.02, 150


def simulate(length, damping):
    """The angle over time, from 1 rad at rest (semi-implicit Euler: one tape of some thousand operations)."""
    angle, speed = torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
    swing = []
    for _ in range(STEPS):
        speed = speed + DT * (-GRAVITY / length * torch.sin(angle) - damping * speed)
        angle = angle + DT * speed
        swing.append(angle)
    return torch.stack(swing)


recorded = simulate(torch.tensor(1.3, dtype=torch.float64), torch.tensor(0.25, dtype=torch.float64))

# the logarithms keep both positive
guess = torch.tensor([1.0, 0.5], dtype=torch.float64).log().requires_grad_(True)
optimizer = torch.optim.Adam([guess], lr=0.05)
for step in range(121):
    optimizer.zero_grad()
    length, damping = guess.exp()
    loss = ((simulate(length, damping) - recorded) ** 2).mean()
    loss.backward()
    optimizer.step()
    if step % 30 == 0:
        print(f"step {step:3d}  loss {loss.item():.5f}  length {length.item():.3f}  damping {damping.item():.3f}")
