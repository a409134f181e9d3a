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
    width: int = 192
    layers: int = 5
    heads: int = 3
    hidden: int = 512
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

    def forward(self, x, cos, sin, mask):
        x = x + self.attend(self.attention_norm(x), cos, sin, mask)
        h = self.hidden_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))

    def attend(self, x, cos, sin, mask):
        batch, tokens, width = x.shape
        heads = (batch, tokens, self.shape.heads, self.shape.head_width)
        q = rotate(self.q(x).view(heads).transpose(1, 2), cos, sin)
        k = rotate(self.k(x).view(heads).transpose(1, 2), cos, sin)
        v = self.v(x).view(heads).transpose(1, 2)
        scores = q @ k.transpose(2, 3) * (1 / math.sqrt(self.shape.head_width)) + mask
        mixed = scores.softmax(-1) @ v
        return self.o(mixed.transpose(1, 2).reshape(batch, tokens, width))


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

    def forward(self, tokens):
        """(batch, tokens) -> final states (batch, tokens, width)."""
        count = tokens.shape[1]
        mask = torch.full((count, count), float("-inf")).triu(1)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos[:count], self.sin[:count], mask)
        return self.norm(x)

    def logits(self, states):
        return states @ self.embedding.weight.t()
