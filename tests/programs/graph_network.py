"""Graph networks without a graph library: GCN with scatter, GAT with segment softmax, message passing with index_add."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parameter import Parameter


def scatter_sum(src, index, dim_size):
    out = src.new_zeros((dim_size, *src.shape[1:]))
    return out.scatter_add_(0, index.view(-1, *([1] * (src.dim() - 1))).expand_as(src), src)


def segment_softmax(src, index, n):
    top = src.new_full((n, src.size(1)), -math.inf).scatter_reduce(0, index[:, None].expand_as(src), src, "amax")
    e = (src - top.index_select(0, index)).exp()
    total = torch.zeros_like(top).index_add(0, index, e)
    return e / (total[index] + 1e-16)


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, x, edge_index):
        n = x.size(0)
        loops = torch.arange(n).repeat(2, 1)
        row, col = torch.cat([edge_index, loops], dim=1)
        deg = torch.bincount(row, minlength=n).to(x.dtype)
        norm = deg.pow(-0.5)[row] * deg.pow(-0.5)[col]
        support = torch.mm(x, self.weight)
        out = scatter_sum(support[col] * norm.unsqueeze(-1), row, n)
        return out if self.bias is None else out + self.bias

    def __repr__(self):
        return self.__class__.__name__ + " (" + str(self.in_features) + " -> " + str(self.out_features) + ")"


class GAT(nn.Module):
    def __init__(self, fin, fout, heads):
        super().__init__()
        self.lin = nn.Linear(fin, heads * fout, bias=False)
        self.att = Parameter(torch.empty(2, heads, fout))
        nn.init.xavier_uniform_(self.att, gain=nn.init.calculate_gain("leaky_relu", 0.2))
        self.heads, self.fout = heads, fout

    def forward(self, x, edge_index):
        h = self.lin(x).view(-1, self.heads, self.fout)
        src, dst = (h * self.att[0]).sum(-1), (h * self.att[1]).sum(-1)
        row, col = edge_index.unbind(0)
        alpha = segment_softmax(F.leaky_relu(src[col] + dst[row], 0.2), row, x.size(0))
        return torch.zeros_like(h).index_add_(0, row, alpha[..., None] * h[col]).flatten(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gc1 = GraphConvolution(8, 16)
        self.gat = GAT(16, 4, 2)
        self.gc2 = GraphConvolution(8, 3)

    def forward(self, x, edges):
        x = F.relu(self.gc1(x, edges))
        x = F.dropout(x, 0.1, training=self.training)
        x = F.elu(self.gat(x, edges))
        return F.log_softmax(self.gc2(x, edges), dim=1)


torch.manual_seed(3)
n = 30
labels = torch.arange(n) % 3
x = F.one_hot(labels, 8).float() + 0.5 * torch.randn(n, 8)
same = labels[:, None].eq(labels[None, :])
adj = (torch.rand(n, n) < torch.where(same, 0.4, 0.05)).triu(1)
adj = adj | adj.t()
edges = adj.nonzero().t().contiguous()
edges = edges.unique(dim=1)
print(edges.shape, edges.dtype, edges.is_contiguous(), int(adj.sum()), adj.float().mean().item() > 0)
train, test = torch.zeros(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool)
train[torch.randperm(n)[:12]] = True
test &= ~train

model = Net()
print(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)
for epoch in range(30):
    model.train()
    optimizer.zero_grad()
    out = model(x, edges)
    loss = F.nll_loss(out[train], labels[train])
    loss.backward()
    optimizer.step()
    if epoch % 6 == 0:
        model.eval()
        with torch.no_grad():
            pred = model(x, edges).argmax(dim=1)
        acc = pred[test].eq(labels[test]).double().mean()
        print(f"{epoch:02d} {loss.item():.4f} {acc.item():.3f}")

conf = torch.zeros(3, 3, dtype=torch.long)
conf.index_put_((labels, pred), torch.ones(n, dtype=torch.long), accumulate=True)
print(conf, conf.diagonal().sum() == (pred == labels).sum())
pooled = torch.zeros(3, 8).scatter_reduce(0, labels[:, None].expand(-1, 8), x, "mean", include_self=False)
print(pooled.shape, torch.allclose(pooled[1], x[1::3].mean(0)))
best = torch.full((3,), -1.0).scatter_reduce_(0, labels, x[:, 0], reduce="amax")
print(best.gt(-1).all())
attempt(torch.zeros(3).index_add, 0, torch.tensor([3]), torch.ones(1))
attempt(torch.zeros(3, 2).scatter_add, 0, torch.tensor([[0, 1, 2]]), torch.ones(1, 3))
