"""Conversations as tokens, in the order of the chat template, and which of them are learned."""

import random
from collections import Counter
from dataclasses import dataclass

import numpy

import talk
import tokenizer
import words
from grammar import CLASS_OF, Wish, draw_story
from tokenizer import pieces

# ChatML. The template trims what it is given; "developer" is today's word for "system".
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- set role = 'system' if message.role == 'developer' else message.role -%}"
    "{{- '<|im_start|>' + role + '\\n' + (message.content or '') | trim + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}")

SEED, DOCUMENTS = 20, 80000  # of the text that the model is trained on
PLAIN_SHARE = 0.03  # stories without a chat around them, for prompts that are only a beginning


# Only what the assistant says is learned. COPIED is the part of it that can only be known by
# looking back: a rare word, such as a name, that stood in the conversation before.
OTHER, SAID, COPIED = 0, 1, 2
COMMON_SHARE = 0.05  # a word in more conversations than this is no longer rare


@dataclass
class Document:
    ids: numpy.ndarray
    learned: numpy.ndarray  # OTHER, SAID or COPIED for each token


def word_of(piece):
    word = piece.strip().lower()
    return word if len(word) > 2 and word.isalpha() else None


def common_words(corpus):
    """The words that are in so many conversations that they tell nothing."""
    counts = Counter()
    for turns in corpus:
        counts.update({word_of(piece) for _, text in turns for piece in pieces(text)})
    return {word for word, count in counts.items() if count > COMMON_SHARE * len(corpus)} | {None}


def marks_of(tokens, text, seen, common):
    """SAID or COPIED for each token of a reply; `seen` gathers the rare words of a conversation."""
    marks = []
    for piece in pieces(text):
        word = word_of(piece)
        mark = COPIED if word in seen and word not in common else SAID
        marks += [mark] * len(tokens.encode(piece))
        seen.add(word)
    return marks


def encode_chat(tokens, turns, common=frozenset()):
    ids, learned, seen = [], [], set()
    for role, text in turns:
        head = [tokens.turn_start, *tokens.encode(role + "\n")]
        body = tokens.encode(text.strip())
        tail = [tokens.turn_end, *tokens.encode("\n")]
        marks = marks_of(tokens, text.strip(), seen, common)
        said = role == "assistant"
        ids += head + body + tail
        learned += [OTHER] * len(head) + (marks if said else [OTHER] * len(body))
        learned += [SAID if said else OTHER] + [OTHER] * (len(tail) - 1)
    return ids, learned


def draw_turns(source, held):
    """A conversation, or rarely a bare story, told apart by the role "plain"."""
    if source.random() < PLAIN_SHARE:
        while True:
            story = draw_story(Wish(), source)
            if talk.is_held_out(story) == held:
                return [("plain", story.text)]
    return talk.draw_conversation(source, held)


def draw_corpus(seed, count, held=False):
    source = random.Random(seed)
    return [draw_turns(source, held) for _ in range(count)]


def encode_corpus(tokens, corpus, context, common=frozenset()):
    documents = []
    for turns in corpus:
        if turns[0][0] == "plain":
            ids = [*tokens.encode(turns[0][1]), tokens.end_of_text]
            learned = [*marks_of(tokens, turns[0][1], set(), common), SAID]
        else:
            ids, learned = encode_chat(tokens, turns, common)
        if len(ids) <= context:
            documents.append(Document(numpy.array(ids, "uint16"), numpy.array(learned, "uint8")))
    return documents


def train_tokenizer(corpus, vocabulary_size):
    """Every name and every hero's noun becomes one token: one look back then copies it whole."""
    nouns = {word for noun in CLASS_OF for word in noun.split()}
    whole = " ".join(["", *sorted(nouns | set(words.GIRLS + words.BOYS))])
    texts = [text for turns in corpus for _, text in turns]
    return tokenizer.train(texts + [whole] * (len(corpus) // 25), vocabulary_size)
