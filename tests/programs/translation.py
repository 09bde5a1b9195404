"""Sequence to sequence: packed sequences, a bidirectional GRU, attention, teacher forcing, greedy decoding, DataLoader."""

import random

import torch
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence, unpad_sequence
from torch.utils.data import DataLoader, Dataset

PAD, SOS, EOS = 0, 1, 2


class Reversal(Dataset):
    def __init__(self, n):
        rng = random.Random(5)
        self.rows = [[rng.randint(3, 9) for _ in range(rng.randint(2, 6))] for _ in range(n)]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = self.rows[i]
        return torch.tensor(row), torch.tensor(row[::-1] + [EOS])


def collate(batch):
    batch.sort(key=lambda pair: len(pair[0]), reverse=True)
    src, trg = zip(*batch)
    return pad_sequence(src, batch_first=True), torch.tensor([len(s) for s in src]), pad_sequence(trg, batch_first=True)


class Encoder(nn.Module):
    def __init__(self, vocab, emb, hid):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb, padding_idx=PAD)
        self.rnn = nn.GRU(emb, hid, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hid, hid)

    def forward(self, src, lengths):
        packed = pack_padded_sequence(self.embedding(src), lengths, batch_first=True)
        outputs, hidden = self.rnn(packed)
        outputs, back = pad_packed_sequence(outputs, batch_first=True)
        assert back.tolist() == lengths.tolist()
        return outputs, torch.tanh(self.fc(torch.cat((hidden[-2], hidden[-1]), dim=1)))


class Attention(nn.Module):
    def __init__(self, hid):
        super().__init__()
        self.attn = nn.Linear(3 * hid, hid)
        self.v = nn.Parameter(torch.rand(hid))

    def forward(self, hidden, outputs, mask):
        hidden = hidden.unsqueeze(1).repeat(1, outputs.size(1), 1)
        energy = torch.tanh(self.attn(torch.cat((hidden, outputs), dim=2)))
        score = torch.einsum("h,bsh->bs", self.v, energy)
        return score.masked_fill(mask == 0, -1e10).softmax(dim=1)


class Decoder(nn.Module):
    def __init__(self, vocab, emb, hid):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.attention = Attention(hid)
        self.cell = nn.GRUCell(emb + 2 * hid, hid)
        self.out = nn.Linear(hid, vocab)

    def forward(self, token, hidden, outputs, mask):
        weights = self.attention(hidden, outputs, mask)
        context = torch.bmm(weights.unsqueeze(1), outputs).squeeze(1)
        hidden = self.cell(torch.cat([self.embedding(token), context], -1), hidden)
        return self.out(hidden), hidden, weights


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, src, lengths, trg, forcing):
        outputs, hidden = self.encoder(src, lengths)
        mask = src != PAD
        token = torch.full((src.size(0),), SOS)
        steps = []
        for t in range(trg.size(1)):
            logits, hidden, _ = self.decoder(token, hidden, outputs, mask)
            steps.append(logits)
            token = trg[:, t] if random.random() < forcing else logits.argmax(1)
        return torch.stack(steps, dim=1)


def init_weights(m):
    for name, param in m.named_parameters():
        if "weight" in name:
            nn.init.normal_(param.data, mean=0, std=0.1)
        else:
            nn.init.constant_(param.data, 0)


random.seed(0)
torch.manual_seed(11)
loader = DataLoader(Reversal(48), batch_size=8, shuffle=True, collate_fn=collate, drop_last=True)
model = Seq2Seq(Encoder(10, 8, 12), Decoder(10, 8, 12))
model.apply(init_weights)
print(model)
print(f"{sum(p.numel() for p in model.parameters() if p.requires_grad):,} trainable parameters")
optimizer = optim.RMSprop(model.parameters(), lr=5e-3, momentum=0.5)
criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.05)
for epoch in range(3):
    model.train()
    total = 0.0
    for src, lengths, trg in loader:
        optimizer.zero_grad()
        out = model(src, lengths, trg, 0.7)
        loss = criterion(out.flatten(0, 1), trg.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / len(loader):.4f}")
model.eval()
with torch.no_grad():
    src, lengths, trg = collate([Reversal(48)[i] for i in range(3)])
    outputs, hidden = model.encoder(src, lengths)
    _, _, weights = model.decoder(torch.full((3,), SOS), hidden, outputs, src != PAD)
    print(weights.sum(1).round(decimals=4), weights.shape)

sequences = [torch.arange(3.0), torch.arange(1.0), torch.arange(2.0)]
packed = pack_sequence(sequences, enforce_sorted=False)
print(packed)
print([s.tolist() for s in unpad_sequence(*pad_packed_sequence(packed))])
attempt(pack_padded_sequence, torch.zeros(3, 2, 1), torch.tensor([1, 3]))
attempt(pack_padded_sequence, torch.zeros(3, 2, 1), torch.tensor([3, 0]))
attempt(model.encoder.rnn, torch.zeros(2, 3, 9))
attempt(nn.GRU(3, 4), torch.zeros(2, 1, 3), torch.zeros(1, 2, 4))
lstm = nn.LSTM(4, 6, num_layers=2, dropout=0.2, proj_size=3)
out, (h, c) = lstm(pack_sequence([torch.ones(3, 4), torch.ones(2, 4)]))
print(lstm, out.data.shape, h.shape, c.shape, out.batch_sizes)
