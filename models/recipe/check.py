#!/usr/bin/python3
"""The story check of a GGUF, told by Sluice: 20 subjects, 100 seeds each, in words that the
subject's training lacks.

    npm run build && python3 models/recipe/check.py [MODEL]

It says what share of the stories end by themselves, have 60 to 150 words, are about the asked
subject, keep one hero's name, differ from each other, and stand in no training text.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import corpus as corpora
import talk
import words
from grammar import held_out
from spin import fill

HERE = Path(__file__).parent
# The second gives no sampling option: the engine then takes what the GGUF recommends.
SETTINGS = {"plain": {"temperature": 1, "topP": 1, "topK": 0}, "as served": {}}

# (the subject as it is asked for, its kind, the name asked for)
SUBJECTS = [
    ("a fox", "fox", None), ("an owl", "owl", None), ("a dragon", "dragon", None),
    ("a robot", "robot", None), ("a girl called Mia", "girl", "Mia"), ("a baker", "baker", None),
    ("a lighthouse keeper", "lighthouse keeper", None), ("an old sailor", "sailor", None),
    ("a whale", "whale", None), ("a rabbit named Toby", "rabbit", "Toby"),
    ("a witch", "witch", None),
    ("a penguin", "penguin", None), ("a boy called Juan", "boy", "Juan"),
    ("a snail", "snail", None),
    ("a king", "king", None), ("a shy hedgehog", "hedgehog", None), ("a snowman", "snowman", None),
    ("a ghost", "ghost", None), ("a clockmaker and an owl", "clockmaker", None),
    ("a bear in the forest", "bear", None),
]
SEEDS, TOKENS_MAX = 100, 300
NAMES = {name for name in words.GIRLS + words.BOYS}
HERO = re.compile(r"(?:called|named) (\w+)|(?:tale|story) of (\w+)|knew (\w+),|tell you about (\w+)"
                  r"|there was (\w+),|happened to (\w+)")


def requests():
    """For each subject one request whose wording is held out for it: (kind, name, request)."""
    for about, kind, name in SUBJECTS:
        wording = next(w for w in dict.fromkeys(talk.REQUESTS) if held_out(kind, w))
        first_choice = re.sub(r"{([^|}]*)[^}]*}", r"\1", wording)
        slots = {"what": "story", "what2": "a story", "about": f" about {about}"}
        yield kind, name, fill(first_choice, slots, None)


def first_sentences(text, count=2):
    return " ".join(re.split(r"(?<=[.!?])\s+", text)[:count])


def hero_of(text):
    found = HERO.search(first_sentences(text))
    return found and next(group for group in found.groups() if group)


def on_subject(text, kind, name):
    """The subject is the hero: its noun stands in the first two sentences, with the asked name."""
    opening = first_sentences(text)
    return bool(re.search(rf"\b{kind}\b", opening)) and (name is None or hero_of(text) == name)


def one_name(text):
    """The hero's name comes back later on, and no other name of our lists comes up."""
    hero = hero_of(text)
    if hero is None:
        return False
    inside = set(re.findall(r"(?<=[a-z,] )[A-Z]\w+", text)) & NAMES
    return len(re.findall(rf"\b{hero}\b", text)) > 1 and inside <= {hero}


def judge(stories):
    """stories: (kind, name, text, ended). Shares in percent."""
    texts = [text for _, _, text, _ in stories]
    count = len(stories)
    lengths = [len(text.split()) for text in texts]
    share = lambda hits: round(100 * sum(hits) / count, 2)
    return {
        "end by themselves": share(ended for *_, ended in stories),
        "60 to 150 words": share(60 <= n <= 150 for n in lengths),
        "on the subject": share(on_subject(t, k, n) for k, n, t, _ in stories),
        "one hero's name": share(one_name(t) for t in texts),
        "no other story like it": share(n == 1 for n in map(Counter(texts).get, texts)),
        "words, mean": round(sum(lengths) / count, 1),
    }


def tell(model, sampling):
    asked = list(requests())
    job = {"model": str(model), "requests": [request for _, _, request in asked], "seeds": SEEDS,
           "sampling": sampling, "maxTokens": TOKENS_MAX}
    answer = subprocess.run(["node", str(HERE / "tell.mjs")], input=json.dumps(job).encode(),
                            stdout=subprocess.PIPE, check=True).stdout
    for story in json.loads(answer):
        kind, name, _ = asked[story["request"]]
        yield kind, name, story["text"], story["ended"]


def report(title, stories, seen):
    """Print the table, and a few of the stories."""
    table = judge(stories)
    table["word for word from training"] = sum(text in seen for _, _, text, _ in stories)
    print(f"\n{title}: {len(stories)} stories")
    for line, value in table.items():
        print(f"  {line}: {value}")
    for kind, _, text, _ in stories[::max(1, len(stories) // 4)]:
        print(f"  [{kind}] {text}")
    sys.stdout.flush()


def main():
    model = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "storyteller.gguf").resolve()
    corpus = corpora.draw_corpus(corpora.SEED, corpora.DOCUMENTS)
    seen = {text for turns in corpus for role, text in turns if role != "user"}
    for title, sampling in SETTINGS.items():
        report(f"{title} {sampling}", list(tell(model, sampling)), seen)


if __name__ == "__main__":
    main()
