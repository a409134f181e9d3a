"""Training: AdamW, a short warm-up and a cosine, on batches of conversations of similar length."""

import json
import math
import random
import time

import numpy
import torch
from torch.nn import functional as F

import corpus as corpora
from model import Storyteller

BATCH_TOKENS = 4096
LEARNING_RATE, LEARNING_RATE_END, WARM_UP = 2e-3, 1e-4, 150
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
    states = model(ids[:, :-1])
    marks = learned[:, 1:].flatten()
    places = marks.nonzero()[:, 0]
    wanted = ids[:, 1:].flatten()[places]
    spare = -len(places) % 512  # few shapes, as in `batches`
    logits = model.logits(states.flatten(0, 1)[F.pad(places, (0, spare))]).float()
    losses = F.cross_entropy(logits, F.pad(wanted, (0, spare), value=NOTHING),
                             ignore_index=NOTHING, reduction="none")[:len(places)]
    weights = 1 + (weight - 1) * (marks[places] == corpora.COPIED)
    return (losses * weights).sum(), weights.sum()


@torch.no_grad()
def held_out_loss(model, documents):
    """Nats per learned token, and per copied token, in float32."""
    sums = torch.zeros(4)
    for ids, learned in batches(documents, seed=0):
        copied = learned * (learned == corpora.COPIED)
        sums += torch.stack([*loss_of(model, ids, learned), *loss_of(model, ids, copied)])
    return (sums[0] / sums[1]).item(), (sums[2] / sums[3]).item()


def make_optimizer(model):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
        lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-8)


def batches(documents, seed):
    """One pass over the documents: batches of similar length, about BATCH_TOKENS each.

    Lengths are padded to multiples of 16, so that there are few shapes: oneDNN compiles a kernel
    for each one that it has not seen.
    """
    source = random.Random(seed)
    order = list(range(len(documents)))
    source.shuffle(order)
    for start in range(0, len(order), 4096):
        pool = sorted(order[start:start + 4096], key=lambda i: -len(documents[i].ids))
        groups = []
        while pool:
            rows = max(1, BATCH_TOKENS // padded(len(documents[pool[0]].ids)))
            groups.append(pool[:rows])
            pool = pool[rows:]
        source.shuffle(groups)
        for group in groups:
            yield to_tensors([documents[i] for i in group])


def padded(length):
    return (length + 15) // 16 * 16


def to_tensors(group):
    """tokens and their marks: (batch, longest + 1)."""
    longest = padded(max(len(document.ids) for document in group)) + 1
    ids = numpy.zeros((len(group), longest), "int64")
    learned = numpy.zeros((len(group), longest), "uint8")
    for row, document in enumerate(group):
        ids[row, :len(document.ids)] = document.ids
        learned[row, :len(document.ids)] = document.learned
    return torch.from_numpy(ids), torch.from_numpy(learned)


def train(shape, documents, steps, seed):
    """The trained model. Nothing but its seed and the documents decides what it becomes."""
    torch.manual_seed(seed)
    model = Storyteller(shape)
    optimizer, half = make_optimizer(model), bfloat16_is_fast()
    start, tokens, step = time.monotonic(), 0, 0
    print(f"{sum(p.numel() for p in model.parameters())} weights", flush=True)
    for epoch in range(steps):
        for ids, learned in batches(documents, seed + epoch):
            loss = advance(model, optimizer, half, ids, learned, step, steps)
            step, tokens = step + 1, tokens + ids.numel()
            if step % 50 == 0 or step == steps:
                print(json.dumps({"step": step, "of": steps, "loss": round(loss.item(), 4),
                                  "tokens": tokens, "seconds": round(time.monotonic() - start)}),
                      flush=True)
            if step == steps:
                return model


def advance(model, optimizer, half, ids, learned, step, steps):
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, steps)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        losses, weights = loss_of(model, ids, learned, copy_weight(step, steps))
        loss = losses / weights
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss
