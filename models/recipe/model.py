"""The transformer: llama's architecture, small. RMSNorm, rotary positions, SwiGLU, tied embeddings.

Rotary pairs are (2i, 2i + 1), which is what llama.cpp applies to the architecture "llama": the
query and key weights go into the GGUF as they are, without the permutation that weights trained
on split halves need.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    vocab: int
    width: int = 160
    layers: int = 6
    heads: int = 5
    hidden: int = 448
    context: int = 1024
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self):
        return self.width // self.heads


class RmsNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


def rotary_table(shape):
    """cos and sin for each position and pair: (context, head_width / 2)."""
    pair = torch.arange(0, shape.head_width, 2, dtype=torch.float32)
    frequency = shape.rope_base ** (-pair / shape.head_width)
    angle = torch.arange(shape.context, dtype=torch.float32)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """x: (batch, heads, tokens, head_width); each pair (2i, 2i + 1) turned by its angle."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.attention_norm = RmsNorm(shape.width, shape.norm_epsilon)
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, shape.width, bias=False)
        self.v = nn.Linear(shape.width, shape.width, bias=False)
        self.o = nn.Linear(shape.width, shape.width, bias=False)
        self.hidden_norm = RmsNorm(shape.width, shape.norm_epsilon)
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x, cos, sin, mask, past=None):
        attended, present = self.attend(self.attention_norm(x), cos, sin, mask, past)
        x = x + attended
        h = self.hidden_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h)), present

    def attend(self, x, cos, sin, mask, past):
        batch, tokens, width = x.shape
        heads = (batch, tokens, self.shape.heads, self.shape.head_width)
        q = rotate(self.q(x).view(heads).transpose(1, 2), cos, sin)
        k = rotate(self.k(x).view(heads).transpose(1, 2), cos, sin)
        v = self.v(x).view(heads).transpose(1, 2)
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        scores = q @ k.transpose(2, 3) * (1 / math.sqrt(self.shape.head_width))
        if mask is not None:
            scores = scores + mask
        mixed = scores.softmax(-1) @ v
        return self.o(mixed.transpose(1, 2).reshape(batch, tokens, width)), (k, v)


class Storyteller(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.width, shape.norm_epsilon)
        cos, sin = rotary_table(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(self.initialise)

    def initialise(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.04)
        if isinstance(module, Block):
            scale = 0.04 / math.sqrt(2 * self.shape.layers)
            nn.init.normal_(module.o.weight, std=scale)
            nn.init.normal_(module.down.weight, std=scale)

    def forward(self, tokens, past=None):
        """(batch, tokens) -> final states (batch, tokens, width) and each block's keys and values.

        With `past`, `tokens` continue it one at a time, and no mask is needed.
        """
        start = 0 if past is None else past[0][0].shape[2]
        count = tokens.shape[1]
        cos, sin = self.cos[start:start + count], self.sin[start:start + count]
        mask = None
        if count > 1:
            assert past is None, "a past is continued one token at a time"
            mask = torch.full((count, count), float("-inf")).triu(1)
        x, presents = self.embedding(tokens), []
        for index, block in enumerate(self.blocks):
            x, present = block(x, cos, sin, mask, past and past[index])
            presents.append(present)
        return self.norm(x), presents

    def logits(self, states):
        return states @ self.embedding.weight.t()

    def parameter_count(self):
        return sum(p.numel() for p in self.parameters())
