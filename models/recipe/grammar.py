"""The story grammar: draws a hero, a place, a helper and a plot, and writes 65 to 144 words."""

import re
import zlib
from dataclasses import dataclass, replace

import words
from plots import PLOTS
from spin import choose, lines, spin

WORDS_MIN, WORDS_MAX = 65, 144
PLOT_OF = {plot.name: plot for plot in PLOTS}

NOUNS = {
    "animal": [n.replace("_", " ") for n in words.ANIMALS],
    "bird": words.BIRDS,
    "swimmer": words.SWIMMERS,
    "fantasy": words.FANTASY,
    "thing": [n.replace("_", " ") for n in words.THINGS],
    "person": list(words.PEOPLE),
}
CLASS_OF = {noun: kind for kind, nouns in NOUNS.items() for noun in nouns}
THE_ONLY = ("sea", "north", "ocean")
CLASS_SHARE = {"animal": 30, "bird": 14, "swimmer": 8, "fantasy": 8, "thing": 10, "person": 30}

OPENINGS = """
{Once upon a time, there|There once|Once there|Long ago, there} {lived|was} a(n) [who]
    {called|named} [N], who lived [place].
{Once upon a time|Long ago|A long time ago|Once}, [place], there {lived|was} a(n) [who]
    {called|named} [N].
{^[place]} {lived|there lived|there was} a(n) [who] {called|named} [N].
Once there was [N], a(n) [who] who lived [place].
This is what happened to [N] the [kind], who lived [place], [home].
{Far away|Not so long ago|Not far from here|In a land far away}, [place], a(n) [who]
    {called|named} [N] {made [his] home|lived}.
{This is the story of|Let me tell you about|Listen to the tale of} [N], a(n) [who] who lived
    [place].
{Everyone|Everybody} [place] knew [N], {the [trait] [kind]|a(n) [who] who lived [home]}.
A(n) [who] {called|named} [N] {once lived|lived} [place]."""

DETAILS = """
[^he] lived [home].
[^he] was as [trait2] as can be, and {everyone liked [him]|[he] loved the smell of rain|[he]
    laughed a lot}.
{Every morning|Every day}, [he] {swept the path|greeted the sun|counted the clouds|hummed an old
    tune}{ and ate a bowl of porridge| and talked to the wind|}.
[^his] {best|favourite} things were {rain and old songs|warm bread and quiet mornings|clouds, nuts
    and long stories|stones of every colour}.
{The days were long and peaceful there|Nothing much ever happened there|Life was simple and good
    there}."""

CLOSINGS = """
{And that was that|And so it was|That is the whole story|And that is how it ended}.
{The end|And here the story ends}.
{And if you go there, you may still meet them|If you pass that way, say hello to [N]}.
{And [N] fell asleep with a smile|That night [N] slept very well}.
{It had been a very good day|What a day that was}.
{And they all lived happily ever after|And [he] was happy for a long, long time}."""


@dataclass(frozen=True)
class Wish:
    """What a request asks for; None where it leaves the choice open."""
    kind: str = None
    trait: str = None
    name: str = None
    pronoun: str = None
    place: str = None
    plot: str = None
    helper: str = None


@dataclass(frozen=True)
class Story:
    kind: str
    name: str
    place: str
    plot: str
    text: str


def held_out(*parts):
    """One combination in ten never enters the training text; which ones, the parts decide."""
    return zlib.crc32("/".join(parts).encode()) % 10 == 0


def made_up_name(random):
    middle = random.choice(words.NAME_ENDS) if random.random() < 0.3 else ""
    return random.choice(words.NAME_STARTS) + middle + random.choice(words.NAME_ENDS)


def draw_kind(random):
    kinds, shares = zip(*CLASS_SHARE.items())
    return random.choice(NOUNS[random.choices(kinds, shares)[0]])


def draw_pronoun(kind, random):
    fixed = words.PEOPLE.get(kind, "?")
    return random.choice(("he", "she")) if fixed == "?" else fixed


def draw_name(pronoun, random):
    return random.choice(words.GIRLS if pronoun == "she" else words.BOYS)


def class_of(kind):
    return CLASS_OF.get(kind, "animal")


def draw_place(kind, random):
    places = words.WATER_PLACES if class_of(kind) == "swimmer" else words.LAND_PLACES
    return random.choice(places)


def suits(kind, plot):
    return plot.wet or class_of(kind) != "swimmer"


def draw_plot(kind, random):
    return random.choice([plot for plot in PLOTS if suits(kind, plot)])


def place_of(noun):
    return next(p for p in words.LAND_PLACES + words.WATER_PLACES if p[2] == noun)


def pronoun_slots(pronoun):
    him, his = ("him", "his") if pronoun == "he" else ("her", "her")
    return {"he": pronoun, "him": him, "his": his, "himself": him + "self"}


def helper_slots(kind, wanted, random):
    wet = class_of(kind) == "swimmer"
    pool = words.WATER_HELPERS if wet else words.LAND_HELPERS
    noun = wanted or random.choice([h for h in pool if h != kind])
    adjective = random.choice(words.HELPER_TRAITS).replace("_", " ") + " "
    pronoun = words.HELPER_PRONOUNS.get(noun) or random.choice(("he", "she"))
    slots = {"h1": f"a(n) {adjective if random.random() < 0.7 else ''}{noun}", "h": f"the {noun}"}
    return slots | {"h" + key: value for key, value in pronoun_slots(pronoun).items()}


def draw_story(wish, random):
    """A story that fits the wish; drawn again, without its trimmings, until it is short enough."""
    kind = wish.kind or draw_kind(random)
    while wish.plot and not wish.kind and not suits(kind, PLOT_OF[wish.plot]):
        kind = draw_kind(random)
    plot = wish.plot or draw_plot(kind, random).name
    wish, bare = replace(wish, kind=kind, plot=plot), False
    while True:
        story = draw_once(wish, bare, random)
        bare = True
        if WORDS_MIN <= len(story.text.split()) <= WORDS_MAX:
            return story


def draw_once(wish, bare, random):
    kind = wish.kind
    pronoun = wish.pronoun or draw_pronoun(kind, random)
    name = wish.name or draw_name(pronoun, random)
    plot = PLOT_OF[wish.plot]
    place = place_of(wish.place) if wish.place else draw_place(kind, random)
    trait = wish.trait
    if trait is None and random.random() < 0.6:
        trait = random.choice(words.TRAITS)
    slots = story_slots(kind, trait, name, pronoun, place, random)
    slots |= helper_slots(kind, wish.helper, random)
    slots |= {key: choose(value, random) for key, value in plot.things.items()}
    beats = [spin("^" + beat, slots, random).strip() for beat in beats_of(plot, bare, random)]
    return Story(kind, name, place[2], plot.name, tidy(" ".join(beats)))


def story_slots(kind, trait, name, pronoun, place, random):
    preposition, adjectives, spot = place
    adjective = random.choice(adjectives.split()) + " " if random.random() < 0.7 else ""
    article = "the" if spot in THE_ONLY else "a(n)"
    home = choose(random.choice(lines(words.HOMES[class_of(kind)])), random)
    mention = lambda source: name if source.random() < 0.75 else f"the {kind}"
    return pronoun_slots(pronoun) | {
        "N": name, "X": mention, "kind": kind, "spot": spot, "home": home,
        "who": f"{trait} {kind}" if trait else kind,
        "trait": trait or random.choice(words.TRAITS), "trait2": random.choice(words.TRAITS),
        "here": f"{preposition} the {spot}", "place": f"{preposition} {article} {adjective}{spot}",
    }


def beats_of(plot, bare, random):
    beats = [random.choice(lines(OPENINGS))]
    if not bare and random.random() < 0.35:
        beats.append(random.choice(lines(DETAILS)))
    for line in lines(plot.beats):
        if line.startswith("?"):
            if random.random() < 0.5:
                continue
            line = line[1:]
        beats.append(line)
    if not bare and random.random() < 0.25:
        beats.append(random.choice(lines(CLOSINGS)))
    return beats


def tidy(text):
    """A capital where a sentence begins, but not after "Who is it?", where "he asked" follows."""
    return re.sub(r"([.!?] |\.\" )([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)
