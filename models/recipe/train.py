"""Training: AdamW, a short warm-up and a cosine, and a checkpoint so that a killed run goes on."""

import json
import math
import os
import time

import torch
from torch.nn import functional as F

import corpus as corpora
from model import Storyteller

BATCH_TOKENS = 4096
LEARNING_RATE, LEARNING_RATE_END, WARM_UP = 2e-3, 1e-4, 150
CHECKPOINT_STEPS = 250
SENTENCES_FIRST, COPY_WEIGHT = 200, 10.0
NOTHING = -100


def bfloat16_is_fast():
    """oneDNN multiplies bfloat16 natively with AVX-512; elsewhere it would only be slower."""
    try:
        return "avx512_bf16" in open("/proc/cpuinfo").read()
    except OSError:
        return False


def learning_rate(step, steps):
    if step < WARM_UP:
        return LEARNING_RATE * (step + 1) / WARM_UP
    phase = (step - WARM_UP) / max(1, steps - WARM_UP)
    wave = 0.5 * (1 + math.cos(math.pi * min(1.0, phase)))
    return LEARNING_RATE_END + (LEARNING_RATE - LEARNING_RATE_END) * wave


def copy_weight(step, steps):
    """How much a copied word counts, next to any other.

    First the sentences are learned. Left alone, a model this small then goes on for very long
    with names that change in every line; so what must be copied counts more until it is.
    """
    if step < SENTENCES_FIRST:
        return 1.0
    return 1 + (COPY_WEIGHT - 1) * min(1.0, max(0.0, (0.9 - step / steps) / 0.25))


def loss_of(model, ids, learned, weight=1.0):
    """The weighted sum of the losses, and the sum of the weights."""
    states, _ = model(ids[:, :-1])
    marks = learned[:, 1:].flatten()
    places = marks.nonzero()[:, 0]
    wanted = ids[:, 1:].flatten()[places]
    spare = -len(places) % 512  # few shapes, as in corpus.batches
    logits = model.logits(states.flatten(0, 1)[F.pad(places, (0, spare))]).float()
    losses = F.cross_entropy(logits, F.pad(wanted, (0, spare), value=NOTHING),
                             ignore_index=NOTHING, reduction="none")[:len(places)]
    weights = 1 + (weight - 1) * (marks[places] == corpora.COPIED)
    return (losses * weights).sum(), weights.sum()


@torch.no_grad()
def held_out_loss(model, documents):
    """Nats per learned token, and per copied token, in float32."""
    sums = torch.zeros(4)
    for ids, learned in corpora.batches(documents, BATCH_TOKENS, seed=0):
        copied = learned * (learned == corpora.COPIED)
        sums += torch.stack([*loss_of(model, ids, learned), *loss_of(model, ids, copied)])
    return (sums[0] / sums[1]).item(), (sums[2] / sums[3]).item()


def make_optimizer(model):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
        lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-8)


class Run:
    """One training run and what it has seen. The checkpoint holds all of it."""

    def __init__(self, shape, steps, checkpoint, seed):
        torch.manual_seed(seed)
        self.model = Storyteller(shape)
        self.optimizer = make_optimizer(self.model)
        self.steps, self.checkpoint, self.seed = steps, checkpoint, seed
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        if checkpoint.exists():
            self.load()

    def load(self):
        saved = torch.load(self.checkpoint)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.tokens, self.seconds = saved["step"], saved["tokens"], saved["seconds"]

    def save(self):
        part = self.checkpoint.with_suffix(".part")
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                    "step": self.step, "tokens": self.tokens, "seconds": self.seconds}, part)
        os.replace(part, self.checkpoint)

    def train(self, documents, on_checkpoint=lambda run: None):
        half = bfloat16_is_fast()
        seen, epoch = 0, 0
        while self.step < self.steps:
            for ids, learned in corpora.batches(documents, BATCH_TOKENS, self.seed + epoch):
                seen += 1
                if seen <= self.step:
                    continue  # a resumed run skips what it has seen
                self.advance(ids, learned, half)
                if self.step % CHECKPOINT_STEPS == 0 or self.step == self.steps:
                    self.save()
                    on_checkpoint(self)
                if self.step == self.steps:
                    return
            epoch += 1

    def advance(self, ids, learned, half):
        start = time.monotonic()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.steps)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            losses, weights = loss_of(
                self.model, ids, learned, copy_weight(self.step, self.steps))
            loss = losses / weights
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.tokens += ids.numel()
        self.seconds += time.monotonic() - start
        if self.step % 50 == 0:
            print(json.dumps({"step": self.step, "of": self.steps, "loss": round(loss.item(), 4),
                              "tokens": self.tokens, "seconds": round(self.seconds),
                              "tokens_per_second": round(self.tokens / self.seconds)}), flush=True)
