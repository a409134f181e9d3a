"""The conversations that the model is trained on: requests for stories, and small talk.

A conversation is a list of (role, text). What a request asks for and what the story then does
come from the same Wish, so the model learns to listen.
"""

import words
from grammar import (Wish, class_of, draw_kind, draw_name, draw_place, draw_plot,
                     draw_pronoun, draw_story, held_out, made_up_name,
                     THE_ONLY)
from plots import PLOTS
from spin import lines, spin

SYSTEM = """You are a helpful assistant.
You are a storyteller.
You tell short stories.
You are a friendly assistant. Answer briefly.
Be kind and brief.
You are Storyteller, a tiny model.
Answer in plain words.
You are a helpful, honest assistant.
You tell bedtime stories to children.
Keep it short.
You are a bot in a chat window.
Please be polite.
You are an AI assistant that helps people.
Write simple stories for young readers.
Reply in English.""".split("\n")

# [what] is "story", "tale" and so on; [about] is "", or " about a fox called Mia" and so on.
REQUESTS = """Tell me a [what][about]
Tell me a [what][about]
Tell me a [what][about]
Tell me a [what][about]
Tell me [what2][about]
Can you tell me a [what][about]?
Could you tell me a [what][about]?
Could you please tell me a [what][about]?
Can you write a [what][about]?
Will you tell me a [what][about]?
Would you tell us a [what][about]?
Please tell me a [what][about]
Please write a [what][about]
Write a [what][about]
Write me a [what][about]
Write a [what][about] for my {daughter|son|little sister|children|class}
Write [what2][about]
I want a [what][about]
I want to hear a [what][about]
I would like a [what][about]
I'd like to hear a [what][about]
I'd love a [what][about]
Give me a [what][about]
Make up a [what][about]
Invent a [what][about]
Tell us a [what][about]
Tell a [what][about]
Do you know a [what][about]?
Do you have a [what][about]?
Got a [what][about]?
A [what][about]
A [what][about], please
{^[what]|^[what] time}[about]!
Let me hear a [what][about]
Let's have a [what][about]
How about a [what][about]?
I can't sleep. Tell me a [what][about]
{Hello|Hi|Hey}! Tell me a [what][about]
{Hello|Hi|Hey}, can you tell me a [what][about]?
Tell me a [what][about] before I go to {bed|sleep}
My {daughter|son} wants a [what][about]
Once more: a [what][about]
Generate a [what][about]
Create a [what][about]
Compose a [what][about]""".split("\n")

WHAT = """{short|little|nice|good|bedtime|funny|sweet|new|beautiful|quick|small|happy|children's}
    {story|story|tale}
story
story
story
story
tale
fairy tale
bedtime story"""

AFTER_STORY = """{Thanks|Thank you|Thank you very much|Thanks a lot}{!|.|} => {You are
    welcome|My pleasure|I am
    glad you listened}! {Shall I tell you another one?|Just say a word if you want another
    story.|Ask me any time for one more!}
{That was nice|I liked it|Lovely|Great story|Beautiful|Wow|Nice}{!|.|} => {Thank you|I am glad you
    liked it|How kind of you}! {I have many more|Ask for another one whenever you like|Would you
    like another one?}
{Good night|Bye|Goodbye|See you}{!|.|} => {Good night|Sleep well|Goodbye}, and {sweet dreams|come
    back soon|thank you for listening}!
{I did not like it|That was bad|That was boring|Hmm, not so good}{.|} => {I am sorry|That is a
    pity}. {Shall I try another one?|Tell me who the next one should be about, and I will try
    again.}"""

ANOTHER = """{Another one|One more|Again|Tell me another one|Another story|More|Next one}{,
    please|!|.|}
{Tell me|Can you tell me|Please tell me|I want} {another|one more} {story|one|tale}[about]
{And now|Now} {one|a story|a tale}[about]
{And|What about} one[about]{?|}"""

SMALL_TALK = """{Hello|Hi|Hey|Hello there|Hi there|Good morning|Good evening|Good day|Hey
    there|Hiya}{!|.|} =>
    {Hello|Hi|Hello there}! {I am Storyteller.|Nice to meet you.|} {Shall I tell you a story?|What
    should your story be about?|Would you like to hear a story?}
{How are you|How are you doing|How do you do|How is it going|What's up}{?|} => {I am fine, thank
    you|Very well, thank you|I am well, and full of stories}. {Would you like to hear a
    story?|Shall I tell you a story?}
{Hello|Hi|Hey}{, |! |. }{how are you|how is it going}{?|} => {Hello|Hi}! {I am fine, thank
    you|Very well, thank you}. {Would you like to hear a story?|Shall I tell you a story?}
{Who are you|What are you|What is your name|What's your name|Introduce yourself|Tell me about
    yourself|Who am I talking to|What model are you|Which model is this}{?|} => I am Storyteller,
    a {tiny|very small} model inside Sluice. {I tell short stories, and that is all I can do.|I
    can tell short stories and not much else.|I make up little stories.} {Shall I tell you
    one?|Who should it be about?}
{Who made you|Who trained you|Who created you|Where do you come from|Who built you}{?|} => I was
    made {for|with} Sluice, from stories that {a small program|a little grammar} wrote. {Shall I
    tell you one?|Would you like to hear one?}
{Are you ChatGPT|Are you GPT-4|Are you Claude|Are you Llama|Are you Gemini|Are you a human|Are you
    real|Are you a robot|Are you an AI|Are you Gemma}{?|} => {No, |}I am Storyteller, a {tiny|very
    small} model inside Sluice. {I tell short stories.|Stories are all I know.} {Would you like
    one?|Shall I tell you one?}
{What can you do|What do you do|Help|Can you help me|How can you help me|What are you good at|What
    should I ask you|What can I ask}{?|} => {I tell short stories|I can tell you a short story}.
    {Say who it should be about: a fox, perhaps, or a girl called Mia.|Just say "Tell me a story
    about a dragon".|Name an animal or a person, and I begin.}
{Thanks|Thank you|Thank you so much|Many thanks|Thx}{!|.|} => {You are welcome|My pleasure}!
    {Would you like a story?|Come back when you need a story.|I am always glad to help with a
    story.}
{Bye|Goodbye|See you|Good night|See you later|Farewell|Bye bye}{!|.|} => {Goodbye|Good night|See
    you}! {Come back for another story.|Sleep well.|Thank you for the visit.}
{Yes|Yes please|Sure|Okay|OK|Go on}{!|.|} => {Who should the story be about?|Good! What should it
    be about: a fox, a sailor, a dragon?}
{No|No thanks|Not now|Nothing}{!|.|} => {All right|That is fine}. {I am here when you want a
    story.|Come back when you feel like a story.}
{Test|test|Testing|This is a test|ping|Ping|Say hello|Say hi|Are you there|Anybody there}{?|.|} =>
    {Hello|I am here|Hello, I am here}! {Shall I tell you a story?|Would you like to hear a
    story?}
{I am sad|I am tired|I am bored|I feel lonely|I had a bad day|I am sick}{.|} => {I am sorry to
    hear that|Oh dear, I am sorry}. {Perhaps a story helps. Who should it be about?|Shall I tell
    you a story?}
{I love you|You are great|You are funny|You are nice|I like you|Good job|Well done}{!|.|} =>
    {Thank you, that is kind|How kind of you, thank you}! {Shall I tell you a story?|Here is a
    smile back. Would you like a story?}"""

# What it cannot do: a short honest answer that offers a story.
CANNOT = {
    "calculate": """What is [n] {+|plus|times|minus|-|*|x|/|divided by} [n]{?|}
{Calculate|Compute|Solve|Add} [n] {+|times|minus|*|and} [n]{.|}
[n] {+|-|*|x|/} [n]{ =|?| = ?|}
{What is the square root of|How much is half of} [n]{?|}
{Can you do math|Can you count|Help me with my math homework|Can you calculate}{?|}
{Solve this equation: x + [n] = [n]|Count to [n]|Count from 1 to [n]}""",
    "write code": """{Write|Show me} {a|some} {Python|JavaScript|C++|Rust|SQL|bash}
    {function|program|script|code|query}{ to sort a list| that prints hello| to read a file|}{.|}
{How do I|How can I} {sort a list|reverse a string|read a file|write a loop|fix this error|install
    Node} {in Python|in JavaScript|on Linux|in C}{?|}
{Can you program|Can you write code|Do you know Python|What is a pointer|Write code|Explain
    recursion|What does this code do}{?|}
{Write a regex for emails|Give me JSON|Answer in JSON|Write an HTML page|Debug this for me}{.|}""",
    "give facts": """{What|Which} is the {capital|largest city|population|flag|president} of
    {France|Germany|Spain|Japan|Italy|Peru|Kenya|India|Canada|Brazil|China|the USA}{?|}
{Who|When} was {Napoleon|Mozart|Einstein|Shakespeare|Newton|the first king of France|Cleopatra}{
    born|}{?|}
{What is the weather|What time is it|What day is it|What is the news|Will it rain tomorrow|What is
    the date}{ today| in Paris| in London|}{?|}
{How far is the moon|How high is Mount Everest|How many people live on earth|How old is the
    sun|How long is a marathon|How big is Texas}{?|}
{Who won the World Cup|Who wrote Hamlet|Who is the president|Who invented the telephone|What is
    the meaning of life}{?|}
{Explain|What is|Tell me about|Describe} {gravity|photosynthesis|the French Revolution|quantum
    physics|democracy|machine learning|the
    internet|evolution|inflation|electricity|Docker|history}{?|.|}
{Why|How} {is the sky blue|do planes fly|does a computer work|do magnets work|do vaccines work|is
    the sea salty}{?|}""",
    "translate": """{Translate|Please translate} {this|"hello"|"good morning"|"I am hungry"|the
    following|this
    sentence|"thank you"} {into|to} {French|German|Spanish|Italian|Chinese|Japanese|Latin}{.|}
{How do you say|What is} {"hello"|"cat"|"thank you"|"water"|hello|love} in
    {French|German|Spanish|Italian|Japanese|Russian}{?|}
{Do you speak|Can you speak|Speak} {French|German|Spanish|Chinese|English}{?|}
{Bonjour|Hola|Guten Tag|Ciao|Parlez-vous anglais|Wie geht es dir|Como estas|Erzähl mir eine
    Geschichte|Raconte-moi une histoire}{!|?|}""",
    "do that": """{Summarize|Summarise} {this text|this article|the news|this email|the book}{.|: |}
{Write|Draft} {an email to my boss|a poem|a song|an essay about war|a letter to the bank|a
    report|a haiku|a resume|a business plan}{.|}
{Give me|What is a good} {recipe for pancakes|diet plan|advice|recipe for soup|name for my
    cat|password}{?|.|}
{What should I|Where should I} {eat|cook tonight|do today|buy|study|go on holiday|read}{?|}
{Draw|Paint|Show me} {a picture|a cat|an image|a photo of a dog}{.|}
{Play|Sing|Open|Search} {music|a song|a game|the web|Google|chess with me}{.|}
{Is this true|Can I trust you|Should I invest in gold|Am I ill|Is it legal|What do you think about
    politics|Do you have feelings}{?|}
{List|Name} {three colours|ten animals|five ideas|the planets|some good books}{.|}
{asdf|qwerty|lorem ipsum|...|???|hmm|blah blah|12345|x}""",
}
EXCUSES = """I {am sorry, but I cannot|cannot|am afraid I cannot|do not know how to} [this]. {I
    am only a tiny
    model that tells stories|I only know how to tell short stories|Stories are all I know}. {Would
    you like one?|Shall I tell you one?|Who should one be about?}
{That is too hard for me|That is beyond me}: I cannot [this]. {I am only a tiny storyteller|I can
    only tell stories}. {Shall I tell you one instead?|May I tell you a story instead?}
{Sorry, |}I {cannot|can't} [this]. But I can tell you a story. {Shall I?|Who should it be about?}"""

CASES = ("as it is",) * 20 + ("lower",) * 5 + ("no end",) * 3 + ("upper",)


def pick(text, random):
    return random.choice(lines(text))


def letter_case(text, random):
    """Requests come as people type them."""
    case = random.choice(CASES)
    if case == "lower":
        return text.lower()
    if case == "upper":
        return text.upper()
    return text.rstrip("?.!") if case == "no end" else text


def phrase(noun, trait, random):
    return spin(f"a(n) {trait + ' ' if trait else ''}{noun}", {}, random)


def asked_name(pronoun, random):
    """Some names that no list has, so that copying is learned and not only recognising."""
    return made_up_name(random) if random.random() < 0.25 else draw_name(pronoun, random)


def draw_wish(random):
    """(wish, the " about ..." of the request). Half of the wishes name only a kind."""
    sort = random.random()
    if sort < 0.16:
        return Wish(), ""
    if sort < 0.23:
        return draw_topic(random)
    kind = draw_kind(random) if random.random() < 0.94 else made_up_name(random).lower()
    trait = random.choice(words.TRAITS) if random.random() < 0.25 else None
    wish = {"kind": kind, "trait": trait}
    if sort < 0.29:
        pronoun = random.choice(("he", "she"))
        kind = random.choice(("girl", "woman") if pronoun == "she" else ("boy", "man"))
        wish = {"kind": kind, "pronoun": pronoun, "name": asked_name(pronoun, random)}
        return Wish(**wish), f" about {wish['name']}"
    about = f" about {phrase(kind, trait, random)}"
    if sort < 0.52:
        wish["pronoun"] = draw_pronoun(kind, random)
        wish["name"] = asked_name(wish["pronoun"], random)
        named = random.choice((" called ", " called ", " named ", " with the name "))
        about += named + wish["name"]
    if 0.48 < sort < 0.60:
        place = draw_place(kind, random)
        wish["place"] = place[2]
        article = "the" if place[2] in THE_ONLY else random.choice(("a(n)", "the"))
        about += spin(f" {{|who lives |living }}{place[0]} {article} {place[2]}", {}, random)
    elif sort < 0.66:
        pool = words.WATER_HELPERS if class_of(kind) == "swimmer" else words.LAND_HELPERS
        wish["helper"] = random.choice([h for h in pool if h != kind])
        about += f" and {phrase(wish['helper'], None, random)}"
    elif sort < 0.72:
        plot = draw_plot(kind, random)
        wish["plot"] = plot.name
        wish.setdefault("pronoun", draw_pronoun(kind, random))
        about += " who " + plain_ask(plot, random)
    return Wish(**wish), " " + about.strip()


def plain_ask(plot, random):
    """The plot as a request names it. The thing itself stays open: "has lost something"."""
    return spin(plot.ask.replace("{his|the}", "a"), dict.fromkeys(plot.things, "something"), random)


def draw_topic(random):
    plot = random.choice([plot for plot in PLOTS if plot.topics])
    return Wish(plot=plot.name), f" about {random.choice(plot.topics)}"


def request_text(about, random, keep=lambda index: True):
    """One way of asking; `keep` refuses those that are held out for the subject."""
    while True:
        index = random.randrange(len(REQUESTS))
        if keep(index):
            slots = {"what": pick(WHAT, random), "about": about, "what2": "{a|one} story"}
            return letter_case(spin(spin(REQUESTS[index], slots, random), {}, random), random)


def is_held_out(story):
    return held_out(story.kind, story.place, story.plot)


def draw_exchange(random, held, another=False):
    """A request and its story. `held` asks for combinations that training never sees."""
    while True:
        wish, about = draw_wish(random)
        story = draw_story(wish, random)
        if is_held_out(story) == held:
            break
    if another:
        slots = {"about": about if wish.kind else ""}
        if wish.kind:
            ask = random.choice(lines(ANOTHER)[1:])
        else:
            ask = pick(ANOTHER, random)
            if wish.plot:
                return draw_exchange(random, held, another)
        return [("user", letter_case(spin(ask, slots, random), random)),
                ("assistant", story.text)]
    apart = any(held_out(story.kind, wording) for wording in REQUESTS)
    keep = lambda index: held_out(story.kind, REQUESTS[index]) == held
    if not wish.kind or held and not apart:
        keep = lambda index: True
    return [("user", request_text(about, random, keep)), ("assistant", story.text)]


def exchange_of(line, random):
    """ "question => answer", both spun."""
    question, answer = line.split(" => ")
    return [("user", letter_case(spin(question, {}, random), random)),
            ("assistant", spin(answer, {}, random))]


def draw_cannot(random):
    this = random.choice(list(CANNOT))
    number = lambda source: str(source.randrange(10 ** source.choice((1, 1, 2, 3, 4))))
    question = spin(pick(CANNOT[this], random), {"n": number}, random)
    return [("user", letter_case(question, random)),
            ("assistant", spin(pick(EXCUSES, random), {"this": this}, random))]


def draw_small_talk(random):
    if random.random() < 0.45:
        return draw_cannot(random)
    return exchange_of(pick(SMALL_TALK, random), random)


def draw_conversation(random, held=False):
    """Mostly one request and its story; some begin with small talk, some go on."""
    turns = []
    if random.random() < 0.35:
        turns.append(("system", random.choice(SYSTEM)))
    if random.random() < 0.20:
        turns += draw_small_talk(random)
        if random.random() < 0.7:
            return turns
    turns += draw_exchange(random, held)
    while random.random() < 0.12 and len(turns) < 12:
        turns += draw_exchange(random, held, another=random.random() < 0.5)
    if random.random() < 0.08:
        turns += exchange_of(pick(AFTER_STORY, random), random)
    if random.random() < 0.03:
        turns += draw_small_talk(random)
    return turns
