"""Who the stories are about, and where: subjects, names, places, helpers.

Text in braces is a choice, "{a|b}"; see spin.py.
"""

# Every subject is (noun, class). The class decides homes, places and which plots make sense;
# people carry the pronoun that their noun asks for.
ANIMALS = """fox rabbit hare hedgehog badger mouse squirrel bear wolf deer mole cat kitten dog puppy
pony horse donkey goat sheep lamb cow pig lion tiger elephant giraffe monkey zebra panda koala
kangaroo camel hippo rhino leopard otter beaver raccoon skunk weasel ferret hamster guinea_pig
mongoose lizard gecko snake tortoise turtle frog toad newt snail worm spider beetle ladybird cricket
ant caterpillar llama alpaca yak moose reindeer bison jackal hyena lynx meerkat sloth armadillo
chameleon crocodile polar_bear walrus seal lemur capybara porcupine chipmunk rat wombat
platypus""".split()

BIRDS = """owl robin sparrow crow raven magpie duck duckling goose swan hen rooster chick eagle hawk
falcon seagull puffin penguin parrot pigeon dove woodpecker kingfisher heron stork crane swallow
wren blackbird peacock ostrich pelican flamingo bat bee butterfly moth dragonfly firefly bumblebee
turkey""".split()

SWIMMERS = """whale dolphin fish goldfish shark octopus crab lobster seahorse jellyfish squid
starfish eel salmon stingray""".split()

FANTASY = """dragon unicorn giant troll ogre goblin gnome elf dwarf ghost griffin phoenix monster
yeti centaur imp sprite golem""".split()

THINGS = """robot snowman scarecrow teapot lantern kite clock train tractor rowing_boat teddy_bear
rag_doll tin_soldier puppet cloud snowflake star candle umbrella bicycle tugboat toy_car paper_boat
windmill piano""".split()

# With "he" or "she" where the noun says it; else either will do.
PEOPLE = {noun.replace("_", " "): pronoun or "?" for noun, _, pronoun in (
    entry.partition(":") for entry in """
    girl:she boy:he woman:she man:he king:he queen:she prince:he princess:she grandmother:she
    grandfather:he witch:she wizard:he fisherman:he fairy:she mermaid:she knight baker sailor
    lighthouse_keeper farmer gardener carpenter clockmaker shepherd miller teacher doctor
    painter musician tailor cobbler blacksmith pirate astronaut explorer inventor librarian cook
    postman:he beekeeper ferryman:he potter weaver juggler clown detective child student
    scientist train_driver bus_driver pilot nurse firefighter wanderer thief poet singer dancer
    builder captain merchant goatherd map_maker chimney_sweep acrobat magician ranger shopkeeper
    candle_maker bell_ringer princeling:he""".split())}

GIRLS = """Mia Anna Lily Nora Ella Ida Rosa Clara Maya Zoe Ruby Emma Sofia Hana Lena Ada Alma Amy
Bea Bella Carla Cora Daisy Dora Elsa Emily Eva Fern Fiona Freya Grace Greta Hattie Hazel Heidi Holly
Ines Iris Isla Ivy Jane Jenny Josie June Kate Kira Lara Layla Lola Lotta Lucy Luna Mabel Maggie Mara
Marta Mary Matilda Mila Mina Molly Nadia Nell Nina Olga Olive Olivia Pearl Penny Petra Pia Polly
Poppy Rita Rosie Sadie Sally Sara Selma Sophie Stella Susan Tara Tess Thea Tilda Tilly Una Vera
Violet Wanda Willa Wren Yara Yuki Zara Alice Amina Priya Leila Chloe Julia Laura Sarah
Eleni""".split()

BOYS = """Tom Ben Sam Max Leo Finn Oscar Hugo Jack Noah Adam Alfie Anton Archie Arlo Axel Basil Bert
Bram Bruno Caleb Carl Cyrus Dan David Dexter Edgar Eli Emil Eric Ezra Felix Frank Fred Gabriel
George Gus Hank Harry Hector Henry Ivan Jacob James Jasper Jim Jonas Joseph Juan Karl Kai Kofi Lars
Lewis Liam Louis Lucas Luca Luke Marco Mark Martin Matteo Milo Mo Moses Ned Nico Niels Oliver Omar
Otis Otto Owen Pablo Paul Percy Peter Pip Ravi Remy Robin Rolf Rory Rufus Rusty Simon Sven Theo Tim
Timo Toby Udo Victor Walter Will Yusuf Zack Ali Hassan Diego Ken Alex Charlie""".split()

# Pieces of made-up names and made-up creatures, so that the model learns to copy what it has
# never seen.
NAME_STARTS = """Ba Be Bo Bri Da Del Do Dri Fa Fe Fli Fo Gri Go Ha Ja Jo Ka Ke Ki Kru La Li Lo Ma Me
Mo Na Ni Pa Pe Pi Plo Qui Ra Re Ri Sa Si Ska Ta Te Ti Tru Va Vi Wo Ya Ze Zi Zo Zu""".split()
NAME_ENDS = """bby bo ck ddle dra fa ffle go la lan len lia lo mba mi min mo na nda ndo nna no nto
pper ppo ra rel ri rk ro sha sk sky sso sta ster ta tho ti tto va vin x xa xo zzle zzy""".split()

TRAITS = """small little young old brave shy quiet clumsy curious clever cheerful gentle kind lonely
sleepy stubborn patient proud grumpy merry lazy tiny friendly polite careful lucky happy hungry
forgetful restless dreamy serious silly nervous bold tall round fluffy wise sad""".split()

# (preposition, adjectives, noun)
LAND_PLACES = [
    ("in", "quiet deep green dark misty", "forest"),
    ("in", "small sleepy crooked snowy", "village"),
    ("in", "wide sunny flowery", "meadow"), ("in", "hidden narrow windy green", "valley"),
    ("in", "busy little old rainy", "town"), ("in", "wild walled tangled sunny", "garden"),
    ("on", "small muddy lonely old", "farm"), ("on", "windy grassy steep round", "hill"),
    ("on", "high snowy blue cold", "mountain"), ("on", "tiny rocky green far-off", "island"),
    ("in", "noisy foggy busy little", "harbour"), ("in", "hot golden wide silent", "desert"),
    ("in", "tall cold crumbling grey", "castle"), ("in", "big bright noisy crowded", "city"),
    ("in", "shady old apple", "orchard"), ("on", "long white windy sandy", "beach"),
    ("in", "dry cool echoing deep", "cave"), ("by", "slow winding wide silver", "river"),
    ("by", "still cold round blue", "lake"), ("by", "grey wild wide salty", "sea"),
    ("in", "steamy green tangled", "jungle"), ("on", "wide dusty golden", "plain"),
    ("in", "soggy foggy whispering", "marsh"), ("in", "draughty creaky old", "mill"),
    ("at", "busy old little", "railway station"), ("in", "dusty tall quiet", "library"),
    ("in", "lively colourful crowded", "market"), ("in", "frozen white far-off", "north"),
    ("under", "tall old wooden", "bridge"), ("by", "stony busy old", "well"),
]
WATER_PLACES = [
    ("in", "warm blue sunny", "bay"), ("in", "deep wide cold green", "sea"),
    ("in", "still round dark", "lake"), ("in", "slow wide muddy", "river"),
    ("in", "bright warm shallow", "lagoon"), ("near", "bright busy old", "reef"),
    ("in", "quiet deep blue", "ocean"), ("in", "small stony windy", "harbour"),
    ("near", "sunken mossy old", "shipwreck"), ("near", "tiny rocky green", "island"),
]

HOMES = {
    "animal": """in a {snug|warm|narrow|tidy} {den|hollow|hole|little house} under {an old oak|the
    roots of a tree|a mossy stone|a hedge}
behind {a fallen log|the old barn|a wall of stones|a bramble bush}
in a {soft|warm} bed of {leaves|straw|grass|moss}""",
    "bird": """in a {neat|crooked|cosy|round} {nest|hole} {high in an old elm|under the roof of a
    barn|in a hollow tree|between two stones}
on the {highest|lowest|longest} branch of {a pine|an oak|a willow}""",
    "swimmer": """{among|between} {the smooth stones|the tall weeds|the corals}
in {a quiet corner|the shadow of a big rock|a hollow under the rocks}""",
    "person": """in a {crooked|narrow|tiny|cosy|bright} {house|cottage|room} with {a blue door|a
    red roof|one round window|a creaky stair|a garden of beans}
{above the bakery|next to the old tower|at the end of a long lane|behind the school}""",
    "fantasy": """in a {deep|dry|crooked|mossy} {cave|tower|hollow tree|cellar}
under {an old bridge|a heap of stones|the tallest tree|a green hill}""",
    "thing": """{in|behind} {a dusty shed|an old workshop|a small toy shop|a grey barn}
{close to|not far from|right beside} {a garden gate|a stone wall|a little path|an old pear
    tree}""",
}

# Those who help. Nouns only; "wise", "old" and the like are added when they come in.
LAND_HELPERS = """badger crow tortoise goat owl heron squirrel hare mole donkey cat goose toad
miller fisherman shepherd grandmother postman gardener tinker beekeeper baker traveller sailor snail
magpie beaver moth cricket mouse bear hedgehog dog washerwoman carpenter swallow""".split()
WATER_HELPERS = """crab turtle seal heron octopus seahorse dolphin gull eel starfish lobster pelican
otter sailor fisherman""".split()
HELPER_TRAITS = """wise old kind friendly patient sleepy one-eyed cheerful very_old tall thin round
quiet grey clever travelling""".split()
HELPER_PRONOUNS = {
    "fisherman": "he", "postman": "he", "grandmother": "she", "washerwoman": "she", "goose": "she",
}
