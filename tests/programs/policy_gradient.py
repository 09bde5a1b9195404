"""Reinforcement learning on toy environments: REINFORCE with a baseline, actor-critic with GAE and PPO, DQN with a target net."""

import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical, Normal

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


class Corridor:
    """Walk right to the goal at 6; each step costs."""

    def reset(self):
        self.at, self.t = 2, 0
        return self.state()

    def state(self):
        return [1.0 if i == self.at else 0.0 for i in range(7)]

    def step(self, action):
        self.at = max(0, self.at + (1 if action == 1 else -1))
        self.t += 1
        done = self.at == 6 or self.t >= 15
        return self.state(), (1.0 if self.at == 6 else -0.05), done


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(7, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved_log_probs, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


torch.manual_seed(543)
random.seed(543)
env, policy = Corridor(), Policy()
optimizer = optim.Adam(policy.parameters(), lr=3e-2)
eps = torch.finfo(torch.float32).eps
running = -0.5
for episode in range(20):
    state, done, log_probs, values, rewards = env.reset(), False, [], [], []
    while not done:
        probs, value = policy(torch.tensor(state).float().unsqueeze(0))
        m = Categorical(probs)
        action = m.sample()
        log_probs.append(m.log_prob(action))
        values.append(value)
        state, reward, done = env.step(action.item())
        rewards.append(reward)
    R, returns = 0.0, deque()
    for r in rewards[::-1]:
        R = r + 0.95 * R
        returns.appendleft(R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps) if len(returns) > 1 else returns
    advantage = returns - torch.cat(values).squeeze(-1).detach()
    loss = (-torch.cat(log_probs) * advantage).sum() + F.smooth_l1_loss(torch.cat(values).squeeze(-1), returns)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    running = 0.9 * running + 0.1 * sum(rewards)
    if episode % 5 == 0:
        print(f"Episode {episode}\tlast {sum(rewards):.2f}\taverage {running:.3f}\tloss {loss.item():.3f}")


class DQN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 24), nn.ReLU(inplace=True), nn.Linear(24, 2))

    def forward(self, x):
        return self.layers(x)


policy_net, target_net = DQN(), DQN()
target_net.load_state_dict(policy_net.state_dict())
target_net.requires_grad_(False).eval()
optimizer = optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True)
memory = deque([], maxlen=200)
for episode in range(6):
    state, done, total = torch.tensor([env.reset()]), False, 0.0
    while not done:
        if random.random() > 0.3:
            with torch.no_grad():
                action = policy_net(state).max(1).indices.view(1, 1)
        else:
            action = torch.tensor([[random.randrange(2)]], device=state.device, dtype=torch.long)
        nxt, reward, done = env.step(action.item())
        total += reward
        nxt = None if done else torch.tensor(nxt, dtype=torch.float32).unsqueeze(0)
        memory.append(Transition(state, action, nxt, torch.tensor([reward])))
        state = nxt
        if len(memory) < 16:
            continue
        batch = Transition(*zip(*random.sample(memory, 16)))
        mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), dtype=torch.bool)
        following = torch.cat([s for s in batch.next_state if s is not None])
        q = policy_net(torch.cat(batch.state)).gather(1, torch.cat(batch.action))
        nq = torch.zeros(16)
        with torch.no_grad():
            nq[mask] = target_net(following).max(1).values
        expected = nq * 0.99 + torch.cat(batch.reward)
        loss = nn.SmoothL1Loss()(q, expected.unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
        optimizer.step()
        source, into = policy_net.state_dict(), target_net.state_dict()
        for key in source:
            into[key] = source[key] * 0.05 + into[key] * 0.95
        target_net.load_state_dict(into)
    print(f"dqn {episode} {total:.2f} {loss.item() if len(memory) >= 16 else 0:.4f}")


class Gaussian(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
        self.log_std = nn.Parameter(torch.zeros(1))
        self.critic = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.orthogonal_(m.weight, 2**0.5)
                nn.init.constant_(m.bias, 0.0)

    def act(self, obs):
        d = Normal(self.mean(obs), self.log_std.exp().expand(obs.shape[0], 1))
        return d, self.critic(obs).squeeze(-1)


torch.manual_seed(9)
agent = Gaussian()
optimizer = optim.Adam(agent.parameters(), lr=3e-3, eps=1e-5)
schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1 - k / 5)
for update in range(5):
    obs = torch.randn(32, 3)
    with torch.no_grad():
        d, values = agent.act(obs)
        actions = d.sample()
        old = d.log_prob(actions).sum(-1)
        rewards = -(actions.squeeze(-1) - obs.sum(-1)).abs()
        adv = torch.zeros_like(rewards)
        last = 0.0
        for t in reversed(range(32)):
            delta = rewards[t] + 0.9 * (values[t + 1] if t < 31 else 0.0) - values[t]
            adv[t] = last = delta + 0.9 * 0.95 * last
        returns = adv + values
    for _ in range(2):
        for idx in torch.randperm(32).split(16):
            d, v = agent.act(obs[idx])
            ratio = (d.log_prob(actions[idx]).sum(-1) - old[idx]).exp()
            a = (adv[idx] - adv[idx].mean()) / (adv[idx].std() + 1e-8)
            pg = torch.max(-a * ratio, -a * torch.clamp(ratio, 0.8, 1.2)).mean()
            loss = pg + 0.5 * ((v - returns[idx]) ** 2).mean() - 0.01 * d.entropy().sum(-1).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    schedule.step()
    print(f"ppo {update} {rewards.mean().item():.3f} {loss.item():.3f} {schedule.get_last_lr()[0]:.5f}")
