"""Byte-level BPE as GPT-2 does it, and as llama.cpp does it for `tokenizer.ggml.pre` "gpt-2"."""

import re
from collections import Counter, defaultdict

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (END_OF_TEXT, TURN_START, TURN_END)


# GPT-2's pattern; its \p{L} is [^\W\d_] here, which is the same for all the texts of this recipe.
PIECE = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def pieces(text):
    return PIECE.findall(text)


def byte_characters():
    """GPT-2's printable character for each of the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, spare = {}, 256
    for byte in range(256):
        table[byte] = chr(byte if byte in kept else spare)
        spare += byte not in kept
    return table


BYTE_CHARACTER = byte_characters()


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.rank = {pair: index for index, pair in enumerate(self.merges)}
        self.tokens = [*BYTE_CHARACTER.values(), *(a + b for a, b in self.merges), *SPECIAL]
        self.id_of = {token: index for index, token in enumerate(self.tokens)}
        self.end_of_text, self.turn_start, self.turn_end = (self.id_of[s] for s in SPECIAL)
        self.cache = {}

    def encode(self, text):
        ids = []
        for piece in pieces(text):
            if piece not in self.cache:
                self.cache[piece] = [self.id_of[token] for token in self.merge(piece)]
            ids += self.cache[piece]
        return ids

    def merge(self, piece):
        parts = [BYTE_CHARACTER[byte] for byte in piece.encode()]
        while len(parts) > 1:
            pairs = list(zip(parts, parts[1:]))
            best = min(pairs, key=lambda pair: self.rank.get(pair, len(self.rank)))
            if best not in self.rank:
                break
            at = pairs.index(best)
            parts[at:at + 2] = [best[0] + best[1]]
        return parts


def train(texts, vocabulary_size):
    """Merge the most frequent pair until the vocabulary is full; ties go to the smaller pair."""
    counts = Counter(piece for text in texts for piece in pieces(text))
    words = [[BYTE_CHARACTER[b] for b in piece.encode()] for piece in counts]
    weights = list(counts.values())
    frequency, where = Counter(), defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            frequency[pair] += weights[index]
            where[pair].add(index)
    merges = []
    while len(merges) < vocabulary_size - 256 - len(SPECIAL):
        best = max(frequency, key=lambda pair: (frequency[pair], pair))
        merges.append(best)
        for index in list(where[best]):
            replace_pair(words, index, best, weights[index], frequency, where)
        del frequency[best]
    return Tokenizer(merges)


def replace_pair(words, index, best, weight, frequency, where):
    """Rewrite one word with `best` merged, and keep the pair counts right."""
    word = words[index]
    for pair in zip(word, word[1:]):
        frequency[pair] -= weight
        where[pair].discard(index)
    merged, at = [], 0
    while at < len(word):
        hit = tuple(word[at:at + 2]) == best
        merged.append(best[0] + best[1] if hit else word[at])
        at += 2 if hit else 1
    words[index] = merged
    for pair in zip(merged, merged[1:]):
        frequency[pair] += weight
        where[pair].add(index)
