"""What happens in the stories. A plot is a want, a trouble, help, a turn and an end.

Slots: N the hero's name, X the name or "the fox", he/him/his/himself, h1 "an old owl" (first
mention), h "the owl", hhe/hhim/hhis, spot "forest", and each plot's own `things`, drawn once per
story. A line that begins with "?" is left out half the time. `wet` plots also suit those who live
in water. `ask` is how a request names the plot; `topics` are single words that ask for it.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plot:
    name: str
    ask: str
    beats: str
    things: dict = field(default_factory=dict)
    wet: bool = False
    topics: tuple = ()


PLOTS = [
    Plot("sing", "{wants|wished|would like} to {sing|learn to sing}", """
{More than anything|Most of all|Above everything else}, [X] wanted to sing{ at the [feast]| at the
    [feast] [here]|}.
{But|Sadly,|The trouble was that} [his] voice {squeaked like a gate|creaked like an old chair|came
    out as a tiny squeak|was as rough as gravel}, and {everyone|the neighbours|all who heard it}
    {laughed|covered their ears|hurried away}.
?So [he] {practised alone|sang only at night|hummed under a blanket}, where nobody could
    {hear|laugh}.
{One evening|One night|One misty morning}, [h1] {stopped to listen|heard [him] and sat down|came
    by and did not laugh}. "{Do not push the song|Breathe slowly|Sing as if nobody were there},"
    {said [h]|[h] said}. "{Let it come out by itself|A song is only a long breath|Start low, and
    smile}."
[X] {tried it|took a deep breath|closed [his] eyes}, and {a soft warm note|one clear note|a low
    sweet sound} {floated over the [spot]|came out|rose into the air}.
At the [feast], {everyone asked for more|nobody laughed|even the wind fell silent}, and [X] {sang
    until the stars came out|sang three songs in a row|sang again and again}.""",
         {"feast": "{summer|harvest|winter|midnight|lantern} {feast|festival}"}, True,
         ("singing", "music", "songs")),

    Plot("lost", "{has lost|lost} [thing]", """
{One morning|One day|One windy afternoon}, [X] {noticed|saw|found out} that [his] [thing] was
    gone. {It had been a gift from [his] [giver]|[^his] [giver] had given it to [him]|It was the
    dearest thing [he] had}, {and [he] began to cry|and [his] heart felt heavy|so [he] could think
    of nothing else}.
[^he] looked {under every stone|behind every door|in every corner} and {asked everyone
    [here]|walked back along the path|searched until it was dark}, but {found nothing|there was no
    trace of it|nobody had seen it}.
{Then|At last|Near the end of the day} [he] met [h1]. "{I found something this morning|Somebody
    dropped a thing near my door}," said [h]{, "but I did not know whose it was|, "and I kept it
    safe}."
{It was|There lay|And there it was,} the [thing]{, a little dusty but whole|, safe and clean|,
    none the worse}! [X] {laughed|jumped for joy|could hardly speak}.
{To say thank you|In return|To thank [h]}, [he] {shared [his] supper with [hhim]|gave [hhim] half
    of [his] honey cake|invited [hhim] to tea}, and {from then on they met every week|the two
    became friends|they talked until midnight}.""",
         {"thing": "{red button|silver key|blue scarf|brass bell|green ribbon|wooden whistle|"
                  "little mirror|golden ring|favourite hat|round pebble|woolly mitten}",
          "giver": "{grandmother|oldest friend|mother|uncle|teacher}"}, True, ("a lost key",)),

    Plot("friend", "{has no friends|is lonely|wants a friend|is looking for a friend}", """
{But|Yet|Still,} [X] {was lonely|had no friends|had nobody to talk to}, {and the days were
    long|and the evenings were very quiet|because [he] was too shy to say hello}.
{One day|One rainy morning|One afternoon}, [he] {decided to change that|made up [his] mind|had an
    idea}: [he] would {give away [gift]|leave [gift] at every door|invite everyone to share
    [gift]}.
{At first nobody came|Most of the others only hurried past|Nobody seemed to notice}, and [X]
    {nearly gave up|sat down and sighed|felt smaller than ever}.
Then [h1] {came closer|knocked softly|sat down beside [him]}. {"Is there room for one more?" asked
    [h].|"May I stay a little?" asked [h].|"I have been lonely too," said [h].} "{Nobody has ever
    given me anything|I never knew how to begin|You are the first who ever asked}."
They {talked until the moon was up|laughed about the same silly things|shared everything down to
    the last crumb}, and {told each other all their secrets|found that they both loved the
    rain|the time flew by}.
{Since that day|From that day on|After that}, {[X] was never lonely again|there were always two
    cups on the table|the two were always seen together}.""",
         {"gift": "{a basket of plums|a warm soup|a plate of biscuits|a bunch of flowers|"
                  "a bag of nuts}"}, False,
         ("friendship", "friends", "a friend", "loneliness")),

    Plot("bake", "{wants|is trying} to bake {a cake|a pie}", """
{It was the day before|Soon it would be} {the queen's birthday|the great fair|the summer feast},
    and [X] wanted to bake {the best|the biggest|the sweetest} [cake] {in the world|that the
    [spot] had ever seen|anyone had ever tasted}.
{But|Alas,|Then} {the flour was damp and the oven would not burn|the sugar jar was empty|the first
    one burned as black as coal|the wind blew all the flour away}, and {the shop was closed|there
    was no time left|[he] did not know what to do}.
[^he] {sat down on the step|stared at the empty bowl|wiped [his] eyes} and {sighed|groaned|almost
    gave up}.
"{Do not worry|Cheer up|I can smell trouble}," said [h1] {at the window|at the door|who was
    passing by}. [^h] {had brought|held out|put down} {a pot of honey|a handful of walnuts|a
    basket of wild berries}. "{Use this instead|Try it with these|A good cook uses what there
    is}."
{Together they stirred and tasted|They worked all night|They mixed and laughed}, and in the
    morning {the [cake] was golden|a wonderful smell filled the [spot]|the [cake] stood on the
    table}.
{It looked a bit crooked|It was a strange shape|It was not like any other}, but {everyone wanted a
    second piece|not one crumb was left|the queen herself asked for more}. [X] {smiled|beamed} and
    gave [h] the {last|biggest} {slice|piece}.""",
         {"cake": "{honey cake|apple pie|plum cake|berry pie|pumpkin pie|ginger cake}"}, False,
         ("baking", "a cake", "cooking")),

    Plot("star", "{wants|dreams of trying} to catch a star", """
{Every night|Each evening}, [X] {looked up at the stars|counted the stars|watched the sky} and
    {wished to have one|wanted to hold just one of them|dreamed of taking one home}.
[^he] tried {a long ladder|a fishing net|the tallest tree|a very high jump}, but {the stars stayed
    far away|the sky was always a little higher|[he] only fell into a puddle}.
{"You will never reach them," said [h1].|[h1] had watched [him] all along.|"What are you doing up
    there?" asked [h1].} "{But I know where they come down|Come, I will show you something|You are
    looking in the wrong place}," {said [h]|[h] went on}.
[^hhe] led [X] {to a still pond|to the edge of the water|to a quiet pool}. {There|On the dark
    water}, {a hundred stars were floating|all the stars of the sky lay shining|every star had a
    twin}, {close enough to touch|as near as [his] own nose|just below [his] hand}.
[X] {touched one gently|reached for the nearest one}, and {it danced|it broke into silver rings|it
    shivered and came back}.
{"Now they are all mine," [he] said, "and everybody's."|[^he] did not need to catch one any
    more.|Since then [he] visits them every clear night.|[^he] went home happy, with light in
    [his] eyes.}""", {}, False,
         ("a star", "stars", "the stars", "the night sky")),

    Plot("dark", "is afraid of the dark", """
{There was only one thing|Only one thing was wrong}: [X] was afraid of the dark. {When the sun
    went down|Every evening}, [he] {hid under [his] blanket|trembled from head to toe|lit seven
    candles}, because {every shadow looked like a monster|the night was full of noises|[he]
    thought something was hiding there}.
One night {the wind blew out the last light|the last candle burned down|the moon went behind a
    cloud}, and something {went tap, tap, tap|rustled|whispered} {outside|very close by|in the
    corner}.
{[X] wanted to run away, but [he] asked, "Who is there?"|"Who is it?" asked [X] in a small
    voice.|[X] held [his] breath and looked.}
{It was|Out of the shadows came} [h1]. "{Only me|I did not mean to scare you|Sorry}," said [h].
    "{I am always out at this hour|The night is the best part of the day|I was listening to the
    crickets}. {Come and see|Come with me|Let me show you}."
{So they went out together|They walked side by side}, and [X] {saw glow-worms and silver
    leaves|heard the owls and the far-off water|smelled the night flowers}. {Nothing was scary
    when it had a name|The dark was soft and full of friends|The monsters were only bushes}.
{After that|From then on}, [X] {blew out the candles [himself]|slept without a light|said good
    night to the dark, and meant it}.""", {}, False,
         ("the dark", "fear", "being afraid", "the night")),

    Plot("bridge", "has to {mend|build} a bridge", """
One {spring|autumn|stormy} night, {the flood carried the old bridge away|the bridge broke in two|a
    great storm tore down the bridge}. {Now nobody could cross|Now the [spot] was cut in half},
    and {friends could only wave to each other|the bread could not reach the other side|the
    children could not get to school}.
"{Somebody should do something|This will not do}," {said everyone|they all said}, and {went
    home|shook their heads}. But [X] {began to gather wood|rolled up [his] sleeves|started with a
    single plank}.
{It was slow work|The work was hard}, and {the beams were much too heavy|the water pulled the
    first planks away|[his] arms grew tired}.
{On the third day|In the evening|Then}, [h1] {came with a rope|brought a hammer|stopped and
    watched}. "{Two can carry what one cannot|Let me hold the other end|I thought nobody would
    begin}," said [h], {and set to work|and did not go away}.
{When the others saw the two of them|When the neighbours saw that}, they {came too, one after
    another|were ashamed, and came to help|brought nails and soup and lanterns}.
{By Sunday|Within a week|Before the next full moon} the new bridge {stood|was ready}, {stronger
    than before|a bit crooked but strong}, and {they named it after [N]|[X] was the first to
    cross|on it they danced all night}.""", {}, False,
         ("a bridge", "a river", "helping", "a flood")),

    Plot("storm", "is caught in a storm", """
{One night|One evening|Late in autumn}, a {terrible|wild|roaring} storm came over the [spot].
    {Thunder rolled|Lightning cracked|The rain came down like a wall}, and [X] {sat safe
    inside|was glad to have a roof|pulled the blanket tight}.
Then {somebody knocked|there was a small knock}. {Outside|At the door} stood [h1], {wet to the
    bone|dripping and shivering|as wet as a sponge}. {"May I come in?"|"My home has blown away,"
    said [h].|"I have nowhere to go," said [h] quietly.}
"{There is not much room|It is very small here}," said [X], "but {there is enough|come in
    quickly|we will fit}."
{Soon another knock came, and another|Before long a second guest came, and a third}, until {there
    were nine of them inside|they sat as close as peas in a pod|nobody could move an elbow}.
{They told stories|They sang against the thunder|They shared one pot of tea}, and {nobody minded
    the storm any more|the night was warm and short|it was the best night of the year}.
In the morning {the sun shone|the sky was clear and blue}, and {all nine helped to mend the broken
    homes|everyone promised to come back|they fixed the fence and swept the path}. "{A small house
    is big enough for friends|There is always room for one more}," said [X].""", {}, False,
         ("a storm", "thunder", "the rain", "bad weather", "kindness")),

    Plot("dance", "{wants to learn|is learning} to dance", """
[X] {loved music|could not keep still when there was music} and {wanted to dance|dreamed of
    dancing at the [feast]}, but {[he] always stumbled|[he] fell over [himself] at every
    turn|[his] steps were all wrong}.
"{You dance like a falling table|You had better sit down|Mind the dishes}," {the others
    joked|somebody called}, and [X] {turned red|crept away|went home early}.
{On the way|That night}, [he] met [h1] who was {swaying in the moonlight|tapping to the sound of
    the rain|humming and turning}. "{Do not count your steps|There is no wrong way|Listen first,
    then move}," said [h]. "{The wind never counts, and see how it dances|Follow the music like a
    path|Even falling can be a step}."
{They practised|The two of them danced} {every evening|until their feet were sore|till the moon
    went down}{, and slowly it grew easier|, and bit by bit [X] forgot to be afraid|}.
At the [feast], [X] {stumbled again|tripped over a stool}, but this time [he] {made a spin of
    it|turned it into a leap|bowed and went on}. {Everyone cheered|The whole [spot] clapped}, {and
    soon they all danced the stumbling dance|and wanted to learn that step|and nobody sat down
    again that night}.""",
         {"feast": "{spring|harvest|moon|winter} {ball|feast|"
                  "dance}"}, False, ("dancing", "a dance")),

    Plot("letter", "has to {deliver|bring} a letter", """
{One day|One cold morning}, [X] was given a letter for [lady]. "{It is important|Do not lose
    it|Bring it before nightfall}," they said, and [he] {set off at once|put it in [his]
    bag|promised to be quick}.
{But halfway there|Before long} {the wind tore it from [him]|the fog came down and the path was
    gone|[he] took a wrong turn}, and {[he] ran after it in vain|soon [he] did not know where [he]
    was|everything looked the same}.
{"Are you lost?" asked [h1].|There sat [h1].|[^he] nearly fell over [h1].} {[^h] knew every
    path|[^h] pointed with great care|[^h] had seen it all}. "{Follow the stones with moss on
    them|The letter is in the thorn bush|Come along, I know a short way}," said [h].
{So they went on together|With this help [he] went on}, {over hills and through wet grass|past
    three gates and a sleeping dog|until lights came into view}.
[^lady] {opened the letter with shaking hands|read it twice|read it and laughed out loud}. {It
    said: "I miss you. Come home for supper."|Inside was only one line: "I forgive you."|In it was
    a pressed flower and an invitation.}
"{You have made me very happy|You brought more than a letter}," said [lady], and {gave [X] a warm
    coat for the way home|all of them had tea together|[X] walked home as light as a feather}.""",
         {"lady": "{the old queen|the hermit|the lady in the tower|the retired captain|"
                  "the clockmaker's aunt}"}, False,
         ("a letter",)),

    Plot("boat", "{wants to build|builds} a boat", """
[X] {had never been on the water|had always wanted to sail away}, so [he] built a boat from {an
    old door|a wooden tub|planks and rope|half a barrel}.
{The first time|On the first day} {it sank at once|it filled with water|it went round and round},
    and [X] {came home dripping|had to walk home wet|sat on the shore and shivered}.
{The second time it sank a little more slowly|The second boat was no better}. {Everyone had good
    advice, but nobody helped|"Give up," said the others}.
{Only|But} [h1] {looked at it closely|walked around it twice}. "{It needs a keel|You forgot the
    tar|There is a hole as small as a pea}," said [h]. "{I have some in my shed|I used to do this
    long ago|Hold this, and I will show you}."
They {worked|sawed and painted and argued} {for three days|until it was right}, and called the
    boat the [boat].
{This time it floated|The [boat] did not sink}. {With a shirt for a sail|With the wind behind
    them}, [X] and [h] {sailed out into the evening|saw the [spot] from the water for the first
    time|sailed right around the island}, {and came home with stories of their own|and nobody
    laughed any more|and the stars came out to look}.""",
         {"boat": "{Brave Teapot|Second Try|Silver Duck|Merry Plank|Little Storm}"}, False,
         ("a boat", "sailing", "a ship")),

    Plot("seed", "{plants|has planted} a seed", """
{In spring|One day}, [X] found a seed, {as round as a pea|as black as coal|striped like a cat},
    and {planted it at once|put it into the ground|buried it in good earth}.
[^he] {watered it every morning|sang to it every day|told it good night}. But {a week went by|days
    and weeks went by}, and nothing {grew|happened|came up}. "{It is dead|It is only a pebble|You
    are wasting your time}," said the neighbours.
[X] {was about to dig it up|wanted to give up} when [h1] came by. "{Not yet|Wait}," said [h].
    "{The slow ones have the deepest roots|Some things grow down before they grow up|It is busy
    where you cannot see}."
So [X] waited, {through the rain and the heat|through summer and autumn|and that was the hardest
    part}.
{Then one morning|At last, one bright morning} there was {a green tip|a tiny leaf}, and
    {soon|before long} {a tree with blue flowers|a sunflower taller than a house|a bush full of
    sweet red berries} stood there.
{All the [spot] came to see it|Now everyone wanted to sit in its shade}. [X] {kept one seed|took a
    new seed} and gave it to [h]. "{Be patient|You know what to do}," [he] said{, and they both
    laughed| with a smile|}.""", {}, False,
         ("a seed", "a flower", "a tree", "patience", "spring", "gardening")),

    Plot("sound", "hears a strange {sound|noise} at night", """
{Every night at twelve|Each night}, a strange sound {woke [X]|kept [X] awake|filled the [spot]}:
    {a long low hum|a sad whistle|a soft ding, ding, ding|something like a sigh}. {Nobody knew
    what it was|Some said it was a ghost|The others put wool in their ears}.
[X] {wanted to know|could not bear it any longer|was frightened, but also curious}, so one night
    [he] {took a lantern and followed it|crept out and followed the sound|went to look for it}.
{On the way [he] met [h1],|Behind a corner stood [h1],} who {was looking for it too|could not
    sleep either}. "{Let us go together|Two are braver than one}," said [h].
They {went over stones and under branches|walked on tiptoe|followed it step by step}, and found
    {an old bottle that the wind was blowing over|a bell that hung on a broken string|a tiny lost
    bird calling for its mother|a forgotten music box}.
{"So that is all!" said [X].|They looked at each other and laughed.|"How small it is," said [h],
    "and how we feared it."} [^he] {took it home|looked after it|put it right} {with great
    care|gently|that very night}.
{Now it sounds only when somebody is sad|Since then the nights have been quiet, and [X] almost
    misses it|Since then the [spot] sleeps well|And when it sounds again, [X] only smiles}.""",
    {}, True,
         ("a ghost", "a mystery", "a strange sound")),

    Plot("map", "finds a {treasure map|map}", """
One {rainy|lazy|bright} day, [X] found an old map {inside a book|in a bottle|under a loose
    stone|in the lining of a hat}. A red cross was on it{, with the words "dig here" below it|,
    nothing more|, and a dotted line}.
{At once|Without waiting} [he] set out, {counting [his] steps|following the dotted line|with a
    spade and a sandwich}. {But the map was torn|But the last part was smudged|But a big rock
    stood in the way}, and [he] {did not know where to go|went round in circles|could not get past
    it}.
[h1] {looked over [his] shoulder|came along just then}. "{You are holding it upside down|I have
    the other half at home|That rock was not there a hundred years ago}," said [h], and {they both
    had to laugh|showed [him] the way}.
{Together they dug|They dug and dug} until {they hit a wooden box|something went clonk}. {It was
    not gold|There was no gold in it}. {Inside lay|In it they found} {a hundred letters and a pair
    of spectacles|toys from long ago|seeds of every kind|a flute with a note that said to play
    it}.
"{What a pity|No gold}," said [h]. {But [X] shook [his] head|"No," said [X]}. "{Now we can find
    out whose it was|This is much better|Gold cannot tell a story}," [he] said, and {they read
    until dark|they shared it fairly|the next day the whole [spot] came to see}.""", {}, False,
         ("a treasure", "treasure", "a map", "an adventure")),

    Plot("race", "{wants to win|takes part in} {a|the} race", """
Every {summer|year} there was a great race{ around the [spot]|}, and every time [X] came last.
    "{This year I will win|This time will be different}," [he] said, and {trained every
    morning|ran before breakfast every day|practised in secret}.
{On the big day|When the day came}, [X] {was faster than ever|passed one after the other}. {The
    finish was already in sight|Only a few more steps}, {and nobody was in front of [him]|and the
    crowd was cheering}.
Then [he] saw [h1], {who had fallen into a ditch|who was stuck between two stones|who had hurt a
    foot}. {The others rushed past|Nobody else had stopped}.
[X] {looked at the finish|thought of the golden cup}, and {sighed|stopped}. [^he] {turned
    around|went back}. "{Hold on to me|Come, lean on me}," [he] said.
{They came in last|Side by side, they crossed the line long after all the others}, {slowly, step
    by step|one step at a time}. {But the crowd cheered louder than before|And yet everyone stood
    up and clapped}.
"{You lost the race|The cup is gone}," said [h]. {"I know," said [X], "but {I won a friend|it was
    my best race}."|"Never mind," said [X]. "{Next year we will run together|It was my best
    race}."}""", {}, False,
         ("a race", "winning", "sports", "running")),

    Plot("fly", "wants to fly", """
[X] had one big dream: [he] wanted to fly. [^he] {watched the clouds all day|envied every
    feather|drew wings on every piece of paper}.
{First [he] tried|[^he] built} {wings of paper|a cape of old sheets|wings of leaves and string}
    and jumped {from a wall|from the hay cart|off a big stone}. {Bump!|Plop!|Crash!} [^he] {landed
    in a thorn bush|fell into a heap of leaves|rolled into a puddle}.
"{Does it hurt|Was it a good flight}?" asked [h1]. "{Only a little|It was very short}," said [X].
[^h] {thought for a while|scratched [hhis] head}. "{I cannot give you wings|You do not need
    wings}," [hhe] said, "but {I know somebody with a balloon|the wind is strong on the high rock,
    and I have a big kite|there is a swing that goes higher than the trees}."
{The next day|That very evening} [X] was {up in the air|high above the [spot]}, {and the houses
    were as small as nuts|and the wind sang in [his] ears}. [^he] {shouted with joy|could not stop
    laughing|saw the whole world at once}.
{When [he] came down again|Back on the ground}, [his] {knees were shaking|cheeks were red|eyes
    were shining}. "{Once more|Again}!" said [X]. {And so they did|And up they went, together this
    time}.""", {}, False,
         ("flying", "the sky", "a balloon", "wings")),

    Plot("paint", "wants to paint {a picture|the sky}", """
[X] wanted to paint {the sunset|the whole [spot]|the most beautiful picture in the world}. [^he]
    {mixed red and gold|took [his] finest brush|began with the sky}.
But {as soon as the picture was ready|just before the last stroke}, {the rain came and washed the
    colours together|a gust of wind threw it into the mud|[he] spilled the blue all over it}. {"It
    is ruined!" cried [X]|[X] threw [his] brush away|Everything was a mess}.
{Just then|At that moment} [h1] came by and {stood still|looked for a long time}. "{I have never
    seen the sea so wild|How well you have painted the storm|That is exactly how the morning
    looks}," said [h].
[X] {looked again|turned the picture round|wiped [his] eyes}. {There was something in it|And
    indeed, the stains were clouds and waves|It was wilder than before, and more alive}.
[^he] added only {a small white sail|a tiny yellow light|one bird} {and wrote [his] name below|and
    it was done}.
{The picture hung in the hall for years|Soon everybody wanted to see it|It was given the best
    place [here]}, and when people asked how it was made, [X] {smiled and pointed at the
    clouds.|said, "The rain helped."|said, "By mistake."}""", {}, False,
         ("painting", "colours", "a picture", "art")),

    Plot("lamp", "has to keep {a|the} {lamp|light} burning", """
{Every night|Each evening} [X] had to light the great lamp, {so that the boats could find their
    way home|so that nobody would get lost in the fog}. {[^he] had never once forgotten|It was a
    serious task, and [he] was proud of it}.
But one night {the oil ran out|the glass cracked in the frost|the matches were wet}, {and a thick
    fog was coming|and out there somebody was calling}. [X] {ran up and down|did not know what to
    do|searched every shelf in vain}.
{Then [h1] came up, out of breath.|"The light is out!" called [h1] from below.} "{Take my little
    lantern|We will make a fire of the old fence|I will ring the bell, and you shout}," said [h].
{All night long they stayed awake|They did not rest for a moment}, {holding up the small
    light|taking turns|with tired eyes and cold fingers}.
{At dawn|When the sun rose}, {the last boat came in|all of them were safely home|a line of boats
    lay in the harbour}. {The sailors waved|"We saw you!" the sailors called|"Such a small light,"
    they said, "and such a big help."}
[X] {looked at [h] and smiled|poured two cups of tea|yawned like a lion}. "{It was not the lamp
    that saved them|One can be tired and happy}," [he] said, {and fell asleep on the spot|and for
    once they both slept until noon}.""", {}, False,
         ("a lighthouse", "a lamp", "fog", "light")),

    Plot("hiccups", "has the hiccups", """
One morning [X] woke up with the hiccups. {Hic!|Hic, hic!} {[^he] spilled [his] milk|[^he] bumped
    [his] head|The cups fell off the shelf}. {It would not stop|And it went on all day}.
[^he] {held [his] breath|drank a bucket of water|stood on [his] head}, but it did not help. Hic!
    {The neighbours tried to scare [him]|"Think of something else," said the others}, {but that
    only made it worse|but hic, it was no use}.
{At last|In the evening} [he] went to [h1], who {knew a cure for everything|was known for good
    advice}. "{Hmm|I see}," said [h]. "{Tell me quickly|Let me ask you something}: {what did you
    dream last night|what is the kindest thing you ever did|how many stars are there}?"
[X] {thought very hard|forgot everything else and thought}. {[^he] thought so hard that the sun
    went down|[^he] opened [his] mouth, and closed it again}. {Then there was silence|And suddenly
    it was quiet}. {No hic|The hiccups were gone}!
{"How did you do that?" asked [X].|"Thank you!" cried [X].} "{One cannot think and hiccup at
    once|It is an old trick}," said [h]. "{But now|Only now} I {have it myself. Hic!|feel a bit...
    hic!}"
{They laughed until their sides hurt|They laughed so much that it was heard all over the
    [spot]}.""", {}, True,
         ("hiccups", "something funny", "something silly")),

    Plot("snore", "cannot sleep because of a snoring giant", """
{On the other side of the hill|Not far away} {slept|lived} a giant, and the giant snored. {It
    sounded like thunder|The windows rattled all night|Cups fell from the shelves}, and nobody
    [here] could sleep.
"{Somebody must wake him|Somebody should tell him}," {they all said|everyone said}, but {no one
    dared|nobody wanted to go}. {At last [X] went|"I will go," said [X]}, {though [his] knees were
    trembling|with a beating heart}.
[h1] {went along|offered to come too}. "{Giants are only big|He has not hurt anybody yet}," said
    [h].
{The giant opened one eye|"WHO IS THERE?" asked the giant}. [X] {swallowed hard|took all [his]
    courage}. "{Please|Dear giant}," [he] said, "you {snore so terribly|are snoring, and nobody
    can sleep}."
{The giant turned red|To everyone's surprise, the giant blushed}. "{I am sorry|Oh dear}," he
    {whispered|mumbled}. "{I have no pillow, so I lie on my back|My bed is only stones}."
So {the whole [spot] sewed a pillow|everyone gave a bag of feathers}, {as big as a barn|as wide as
    a field}. {Since then|That night} the giant {slept on his side, as quiet as a mouse|did not
    snore at all}, and {in the morning he brought everyone berries|[X] slept until noon|the [spot]
    had one more friend}.""", {}, False,
         ("a snoring giant", "sleep", "a giant who snores", "courage")),

    Plot("baby", "finds a lost {little one|chick|baby bird}", """
One {grey|cold|quiet} morning, [X] found {a tiny egg|a small wet bundle|a little lost chick} {in
    the grass|beside the path|under a bush}. {It was all alone|It was shaking with cold|Nobody was
    looking for it}.
[X] had {never looked after anyone|no idea what to do}, but [he] {wrapped it in [his] scarf|kept
    it warm|took it home}. {It cried the whole night|It was hungry every hour}, and [X] {did not
    sleep at all|walked up and down and hummed}.
{In the morning|The next day} [he] asked [h1] for advice. "{It needs its mother|It belongs up
    there}," said [h] {kindly|softly}. "{I saw her by the tall pine, calling|She has been looking
    everywhere}."
{[X] had already grown fond of it|It was hard for [X]}, but {[he] nodded|[he] knew that it was
    right}. {They set out together|Carefully they carried it back}.
{How the mother cried for joy|The mother could hardly believe it}! {She covered the little one
    with her wings|She thanked them a hundred times}.
{That evening it was very quiet at home|[X] was a little sad that night}. {But|Yet} {every spring
    since then|a week later, and ever after}, {a small bird sings at [his] window|somebody comes
    to visit and sings for [N]}.""", {}, False,
         ("a lost chick", "a bird", "family", "taking care")),

    Plot("sea", "has never seen the sea", """
[X] had {heard a lot about|often heard of} the sea but had never {seen it|been there}.
?"{It is bigger than the sky|It is never still|It tastes of salt}," said those who had been there.
{So one morning|One day} [he] {packed bread and a blanket|took a stick and a hat|locked the door}
    and {set out|started to walk}. {The road was long|The way was longer than [he] thought}, {and
    after three days [his] feet hurt|and it rained for two days}.
"{Is it far|Is this the way to the sea}?" [he] asked [h1]. "{Quite far|Far enough}," said [h],
    "but {I have not seen it for years|I know a song for walking}. {I will come along|May I come
    with you}?"
{On the seventh day|One evening} there was {a new smell in the air|a sound like breathing}. {They
    climbed the last hill|They ran the last steps}.
{There it lay|And there was the sea}, {wide and shining|grey and gold and endless}. [X] {said
    nothing for a long time|could not find a word}.
"{Well|Now}?" asked [h]. {"It is exactly as they said," said [X], "and quite different."|"They
    told me everything," [X] answered, "and they told me nothing at all."} {They stayed until the
    stars came out|[^he] put a shell in [his] pocket, and has it still}.""", {}, False,
         ("the sea", "a journey", "travelling", "the ocean")),

    Plot("birthday", "thinks everyone forgot the birthday", """
It was [his] birthday, but {nobody said a word|nobody seemed to know}. {[X] walked slowly through
    the [spot]|[X] went from one to the next}, {humming a birthday tune|smiling at everyone}, {but
    they were all busy|but they only hurried on}.
"{Lovely weather|Do you know what day it is}," [he] said to [h1]. "{I must run|Tuesday, I think},"
    said [h] and {looked away|was gone}.
[X] {went home sadly|felt a lump in [his] throat|sat alone by the window}. {"They have all
    forgotten me," [he] thought.|[^he] lit one small candle and blew it out again.}
{When it was dark|Late in the evening} {there was a knock|a light moved outside}. {"Come quickly!"
    called [h].|"We need your help," said [h].} [X] {ran after [hhim]|followed [hhim]} {through
    the dark|as fast as [he] could}, and then {a hundred lanterns lit up|everybody jumped out}.
    "{Surprise|Happy birthday}!" they {cried|shouted}.
{There was a cake as tall as a chair|There was music, and a table full of food}. "{It is very hard
    to keep a secret from you|I nearly told you this morning}," said [h]{, laughing| with a
    wink|}.
{And [X] laughed and cried at once|It was the best birthday [X] ever had}, {and the party lasted
    until dawn|and the last lantern went out at sunrise}.""", {}, True,
         ("a birthday", "a party", "a surprise")),

    Plot("clock", "has to {mend|repair} the big clock", """
One {morning|day} the big clock {on the tower|at the gate} stopped. {Soon nobody knew what time it
    was|Everything went wrong}: {the bread was late and the school was early|the cock crowed at
    noon|people ate breakfast at night}.
[X] {could not stand it|offered to look at it}. [^he] climbed {ninety-nine steps|the narrow
    stairs} and {looked inside|opened the little door}. {There were wheels and wheels|Everything
    was full of dust}, {but nothing was broken|and [he] turned them all in vain}.
{Then [he] heard a rustle|Behind the biggest wheel sat somebody}: {it was [h1]|[h1] was sitting
    there}. "{Please do not start it|I am sorry, I stopped it}," said [h]. "{The ticking frightens
    my little ones|It is so loud, and I have nowhere else to live}."
[X] {thought about it|sat down on a beam and thought}. "{I know what to do|Wait here}," [he] said.
    {[^he] wrapped the hammer in soft wool|[^he] hung a curtain of felt around the nest}.
{Tick, tock, went the clock|The clock began to go again}, {but softly, like a heart|as quietly as
    falling snow}. {The bread came on time|The [spot] knew the hour again}, and {in the tower they
    slept well|[h] brings [X] the time each morning}.""", {}, False,
         ("a clock", "time", "a tower")),

    Plot("moon", "{thinks|believes} {that the moon is lost|the moon has gone}", """
One night the moon {was gone|did not come up}. {The sky was as black as ink|There was nothing but
    dark}, and [X] {was worried|could not sleep}. "{Somebody has stolen it|It must have fallen
    down}," [he] said, {and went to look for it|and set off at once}.
?[^he] looked {behind the hills|in the hollow trees|on all the roofs}, {but it was not there|but
    found only darkness}.
"{What are you looking for|Why are you up so late}?" asked [h1]. "{The moon|I am looking for the
    moon}," said [X]. [^h] {did not laugh|nodded slowly}. "{Sometimes it is tired, like all of
    us|Once a month it turns its face away and rests}," [hhe] said. "{Wait with me|Sit down
    here}."
So they {sat side by side|waited together}, {one night, and a second|wrapped in one blanket},
    {telling stories to pass the time|and counted the stars}.
{On the third evening|And then at last}, {a thin silver line|something thin and bright, like a
    nail,} {stood above the [spot]|rose over the trees}. "{There it is|It came back}!"
    {cried|whispered} [X].
"{It always does|Things that rest come back}," said [h]. {And [X] slept very well that night|Since
    then [X] waves to it every evening}.""", {}, False,
         ("the moon", "a moonless night")),

    Plot("wish", "finds a {magic stone|wish}", """
One day [X] {found|picked up} a {pebble|stone} {that was warm as bread|that glowed in the
    dark|with a hole in it}. {"I am a wishing stone," it said|A tiny voice came out of it}. "{You
    have one wish|One wish is yours}. {Think well|Choose carefully}."
[X] {thought of gold|thought of a big house|wanted to be strong and famous}. {[^he] thought about
    it the whole day|But [he] could not decide}, so [he] {put the stone in [his] pocket|took it
    along on a walk}.
{On the way|Near the old wall} [he] met [h1], {who was ill and pale|who could not walk any
    more|who had been crying}. "{I have not seen the sun for a week|All my food is gone, and
    winter is coming|I wish I were well again}," said [h] {quietly|with a sigh}.
{Then [X] knew|[X] did not have to think}. [^he] {held the stone tight|whispered something into
    [his] hand}, and {the stone grew cold|there was a flash of light}. {The next moment|At once}
    [h] {was as lively as a kitten|stood up and danced}.
{"And what do you have now?" asked [h].|"You gave away your wish!" said [h].} "{I have you|It was
    a good wish}," said [X], {and they both laughed|and threw the stone into the water}.
?{Gold would have been spent by now|A house can fall down}, {but they are still friends|but they
    have tea together to this day}.""", {}, False,
         ("a wish", "magic", "a magic stone", "three wishes")),

    Plot("size", "wants to be bigger", """
[X] wished to be {bigger|taller}. {[^he] could not reach the apples|[^he] was always
    overlooked|Everybody called [him] "little one"}, and [he] {ate two suppers each day|stretched
    every morning|slept with heavy stones at [his] feet}, but {it did not help|[he] did not grow
    at all}.
Then, {one day|one night}, {a cry was heard|someone called for help}: [h1] had {fallen into a deep
    hole|got stuck under a fallen wall|been shut in behind a narrow door}. {The big ones came
    running|All the strong ones tried}, {but they could not get in|but the gap was much too
    narrow}.
"{Let me try|I am the right size}," said [X]. [^he] {took a rope|held [his] breath} and {slipped
    through the gap|squeezed in}. {It was dark and tight|The earth crumbled}, {but [he] went
    on|but [he] did not turn back}.
{"Here, hold this," [he] said.|[^he] tied the rope and gave three tugs.} {Then everyone pulled|All
    of them pulled together}, and {out they came, dusty but safe|soon both were free}.
"{You were the biggest of us all today|How good that you are as you are}," said [h].
{Since then [X] has not measured [himself]|[X] laughed, and never stretched again}. {As for the
    apples, the others pick them for [him]|Being small, [he] says, is a kind of key}.""", {}, False,
         ("being small", "courage", "growing up")),

    Plot("soup", "makes a soup from nothing", """
{It was a hungry winter|Winter was long}, and {everyone hid the little they had|nobody had enough
    to eat}. [X] had only {a pot and water|one onion|a big empty pot}.
[^he] {lit a fire in the middle of the [spot]|put the pot on the fire} and {stirred|began to
    stir}. "What are you cooking?" asked [h1]. "{The best soup in the world|A wonderful soup},"
    said [X]. "{It only needs a carrot|Only a pinch of salt is missing}."
[^h] {ran home|thought for a moment} and {came back with one|fetched it}. {Then others grew
    curious|The smell brought the next one}: {one brought beans, another a cabbage|somebody had a
    potato, somebody a bit of butter}, {until the pot was full|and in the end there was room for
    nothing more}.
{They all sat around the fire|Everyone got a bowl}, {and nobody went home hungry|and for the first
    time in weeks they were warm}.
"{What was in it at first|How did you make it}?" {asked [h]|they asked}. [X] {smiled|laughed}.
    "{Water|Nothing at all}," [he] said. "{The rest was you|You had it all along}."
{Since that winter|From then on}, {they cook together every Sunday|the pot stands there for
    everybody|nobody there hides bread any more}.""", {}, False,
         ("soup", "winter", "sharing", "food")),

    Plot("snow", "waits for the first snow", """
[X] {was waiting for|could hardly wait for} the first snow. {Every morning|Day after day} [he]
    {ran to look|put out [his] nose}, but {there was only rain|everything was grey and wet}.
"{It will never snow again|Winter has forgotten us}," [he] {sighed|said}. [h1] {sniffed the
    air|looked up}. "{Tomorrow|Soon}," said [h]. "{It smells of it|My left knee always knows}."
{That night [X] stayed awake|[X] tried to stay awake}, {but fell asleep all the same|with [his]
    eyes on the sky}. {In the morning|When [he] woke up} it was {very quiet|strangely bright}.
    {Everything was white|The whole [spot] was under a thick white blanket}!
[X] {rushed out|jumped into it with a shout}. {[^he] made a long slide|[^he] rolled a snowball as
    big as a door|[^he] left the first tracks of all}. {But alone it was only half the fun.|But
    who was there to see it?}
So [he] {knocked at [h]'s door|woke [h]}. {"Come out!" called [X]|"I told you," said [h] with a
    yawn}. {The two of them played|They built a castle with four towers} {until the sun went
    down|until their noses were red}.
{And when it melted in spring, they were not sad|At night it snowed again}, {for they knew that it
    would come back|and the tracks were gone, but not the joy}.""", {}, False,
         ("snow", "winter", "the first snow", "christmas")),

    Plot("pearl", "is looking for a pearl", """
{Everyone spoke of|There was an old tale about} the blue pearl, {which shines like a small
    moon|which makes you happy}. [X] wanted to find it{ more than anything| at any price|}.
[^he] {searched among the stones|opened every shell|asked everyone [he] met}, {day after day|from
    morning until night}, and {had no time for anybody|forgot to eat and to rest}.
Then [he] met [h1], {who was caught in an old net|who was tangled in weeds and rope}. "{Help me,
    please|I cannot get free}," said [h].
{"I have no time," [X] wanted to say.|[X] was in a hurry.} {But then [he] stopped|But [he] turned
    back}, and {pulled at the knots until they opened|worked at the rope until it broke}.
"{Thank you|I will never forget that}," said [h]. "{Why do you look so tired|What are you looking
    for}?" And [X] {told [hhim] everything|talked about the pearl}. [^h] {smiled|laughed softly}.
    "{I have seen it|It lies near my home, and everyone may look at it|Come, I will show you},"
    [hhe] said.
{There it was, blue and bright|It shone like a moon indeed}. {They looked at it together|They sat
    beside it for a long time}, and [X] {left it where it was|did not take it home}, {because a
    friend was the better find|for now [he] had somebody to share the light with}.""", {}, True,
         ("a pearl", "the deep sea")),

    Plot("echo", "talks to an echo", """
{One day|One clear morning}, [X] called "Hello!" {just for fun|because nobody was there}, and
    {somebody far away called "Hello!" too.|a voice answered: "Hello!"}
"Who are you?" {called|asked} [X]. "Are you?" said the voice. "{Come here|Show yourself}!" {[X]
    shouted|called [X]}, but {the voice only mocked [him]|it only repeated the last words}. [X]
    {grew angry|was hurt}. "{Silly|Bad}!" [he] {cried|shouted}, and "{Silly|Bad}!" {came back|said
    the voice}.
{Close to tears|In a bad mood}, [he] told [h1] about it. "{That voice is rude|It is mean to me},"
    said [X]. "{Hm|I know that one}," said [h]. "{It only gives back what it gets|It has no words
    of its own}. {Try something kind|Tell it something nice}."
{So [X] went back|[X] tried it}. [^he] {took a deep breath|felt foolish} and called: "{I like
    you|You are my friend}!"
{"Like you!" it called|"My friend!" came the answer}, {soft and clear|again and again, from every
    side}. [X] {laughed|had to smile}, and {the laughter came back as well|all the [spot] laughed
    along}.
?{Since then [X] greets everyone in a friendly way|[^he] has kept to that ever since}, {and it
    nearly always comes back|and not only with echoes}.""", {}, True,
         ("an echo", "a voice", "being kind")),

    Plot("sharing", "does not like to share", """
[X] had {found|gathered} {the biggest heap of|a hundred} [food] and {did not want to share|meant
    to keep them all}. "{Mine|They are mine}," [he] said {to everyone who asked|and sat down in
    front of them}.
{But somebody had to guard them|Now [he] had to watch over them}. {[X] could not go swimming or
    dancing|[^he] did not sleep and did not play}. {The others laughed somewhere far off|Far off
    [he] heard the others sing}, and [he] {sat there alone|felt lonelier every day}.
{One evening|On the fourth day} [h1] came by. "{You look sad for someone so rich|Are you guarding
    them}," said [h], "{or are they guarding you|or are you locked in}?"
{[X] opened [his] mouth to answer, but could not|That gave [X] something to think about}. {All
    night [he] thought it over|[^he] looked at the heap, and it looked back}.
In the morning, [he] {called everyone together|rang a bell}. "{Come and eat|Help yourselves}!"
    [he] said. {It was a wonderful breakfast|They ate and laughed and sang}, {and when the heap
    was gone|and when nothing was left}, [X] {felt light as a feather|could go and play at last}.
{"Now you are rich," said [h].|The next day, everyone brought [him] something in return.}""",
         {"food": "{nuts|plums|sweet shells|berries|cherries}"}, True,
         ("sharing", "greed", "generosity")),

    Plot("shadow", "loses {his|the} shadow", """
One {bright|sunny} day, [X] turned round and saw that [his] shadow was gone. {It had run away|It
    had simply stayed behind somewhere}. {"Come back!"|"Where are you?"} [he] called, {but nothing
    moved|but there was only sunshine}.
{Without it [he] felt quite thin|It is lonely without a shadow}, so [he] {went to look for
    it|asked everyone}. [h1] {had seen it|knew something}. "{It went by this morning, and it was
    dancing|It is sitting under the big tree, sulking}," said [h]. "{Shadows leave when one never
    looks at them|Perhaps you were always in a hurry}."
[X] {was ashamed|thought about it}. {It was true|Indeed}: [he] {had always run from one thing to
    the next|had never once said thank you to it}.
{Under the tree|There} {it sat|lay the shadow}, {long and dark|dark and offended}. [X] {sat down
    quietly|did not say much}. "{I am sorry|I missed you}," [he] {said|whispered}. "{Shall we walk
    slowly from now on|What would you like to do}?"
{The shadow waved|Then the shadow stretched itself}, and {hop, it was back in its place|took [him]
    by the foot}.
{Now they stroll home every evening|Since then [X] takes [his] time}, {and when the sun is low,
    the shadow goes ahead, as long as a street|and at noon they rest together}.""", {}, False,
         ("a shadow", "being in a hurry", "the sun")),

    Plot("story", "{wants|has} to tell a story", """
{In the evenings|On long evenings} everyone [here] {sat together and told stories|took turns
    telling a story}. Only [X] {never said a word|stayed silent}. "{I do not know any|Nothing ever
    happens to me}," [he] {said|thought}.
Then came [his] turn. {Everyone was waiting|All eyes were on [him]}. [X] {opened [his] mouth, but
    nothing came|looked at the floor and turned red}.
{[h1], who sat next to [him],|Beside [him] sat [h1], who} {leaned over|whispered in [his] ear}:
    "{Just say what you saw today|Begin with the smallest thing}."
"{Today|This morning}," [X] began, "{I saw a leaf that did not want to fall|a snail crossed my
    path, and it took an hour|a raindrop hung at my window}." {[^he] stopped|It was very quiet}.
    "{And then|Go on}?" asked {somebody|a small voice}.
And [X] {went on|told more and more}, {about the wind, and the wait, and how it ended|and the
    little thing grew into a big one}. {When [he] was done, nobody moved|They listened with open
    mouths}. {Then they clapped|"Another one!" they called}.
{"So you do know one," said [h].|"Where did that come from?" asked [h].} "{It was there all the
    time|I only had to look}," said [X], {and already thought about the next one|and
    smiled}.""", {}, True,
         ("stories", "a story", "books", "words")),
]
