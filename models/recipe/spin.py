"""Choices in text. spin("a {red|{dark|pale} blue} hat, [he]", ...) picks one of each group.

[slot] is looked up in `slots`; a slot's value may be a function of the random source. "a(n)" is
written as the next word wants it, and "^" makes the next letter a
capital, and "[^he]" is "^[he]".
"""

import re

INNERMOST = re.compile(r"\{([^{}]*)\}")
SLOT = re.compile(r"\[(\w+)\]")
ARTICLE = re.compile(r"\b([Aa])\(n\) (?=((?!one|uni|eu)[aeiou])?)", re.IGNORECASE)
CAPITAL = re.compile(r"\^+([^\w^]*)(\w)")


def lines(text):
    """The lines of a text block; an indented line goes on with the one before."""
    return re.sub(r"\n +", " ", text.strip()).split("\n")


def choose(text, random):
    """Resolve {a|b} from the inside out; a choice not taken costs nothing but the draw."""
    while "{" in text:
        text = INNERMOST.sub(lambda m: random.choice(m.group(1).split("|")), text)
    return text


def fill(text, slots, random):
    for _ in range(3):  # a slot's value may hold slots
        text = SLOT.sub(lambda m: value_of(slots[m.group(1)], random), text)
    return text


def value_of(value, random):
    return value(random) if callable(value) else value


def polish(text):
    text = ARTICLE.sub(lambda m: m.group(1) + ("n " if m.group(2) else " "), text)
    text = CAPITAL.sub(lambda m: m.group(1) + m.group(2).upper(), text)
    return re.sub(r" +", " ", text)


def spin(text, slots, random):
    return polish(fill(choose(text, random).replace("[^", "^["), slots, random))
