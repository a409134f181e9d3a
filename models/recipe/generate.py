"""Sampling many replies to one prompt at once, in llama.cpp's order: top-k, top-p, temperature."""

import torch


@torch.no_grad()
def replies(model, prompt, seeds, ends, temp=1.0, top_k=0, top_p=1.0, limit=300):
    """One reply per seed, as token lists; the last token is in `ends` where the reply ended."""
    chances = torch.stack([torch.rand(limit, generator=torch.Generator().manual_seed(seed))
                           for seed in seeds])
    states, past = model(torch.tensor([prompt]))
    past = [(k.expand(len(seeds), -1, -1, -1), v.expand(len(seeds), -1, -1, -1)) for k, v in past]
    states = states[:, -1].expand(len(seeds), -1)
    drawn, open_rows = [], torch.ones(len(seeds), dtype=torch.bool)
    for step in range(limit):
        tokens = draw(model.logits(states), chances[:, step], temp, top_k, top_p)
        drawn.append(torch.where(open_rows, tokens, torch.full_like(tokens, -1)))
        for end in ends:
            open_rows = open_rows & (tokens != end)
        if not open_rows.any():
            break
        states, past = model(tokens[:, None], past)
        states = states[:, -1]
    return [[token for token in row if token >= 0] for row in torch.stack(drawn, 1).tolist()]


def draw(logits, chances, temp, top_k, top_p):
    logits, order = logits.sort(-1, descending=True)
    if top_k:
        logits, order = logits[:, :top_k], order[:, :top_k]
    if top_p < 1:
        share = logits.softmax(-1)
        before = share.cumsum(-1) - share
        logits = logits.masked_fill(before >= top_p, float("-inf"))
    total = (logits / max(temp, 1e-6)).softmax(-1).cumsum(-1)
    place = torch.searchsorted(total, (chances * total[:, -1])[:, None].contiguous())
    return order.gather(1, place.clamp(max=order.shape[1] - 1))[:, 0]
