"""Little stories without end: the text that the model of this folder is trained on.

A story is drawn, not written: characters with habits of their own, a sky with its consequences, and one of twelve plots in
which what happens follows from what happened before. There are far more stories than a training run ever sees, so a model
that tells them has learnt to spell, to keep a name and to let causes have effects; it has not learnt them by heart.

    python3 stories.py 3        prints three stories
"""

import random
import re
import sys

SHE = "Mia Lily Ruby Nora Ivy Luna Pearl Hazel Daisy Olive Willa Clara Poppy Fern Tilda Rosa Bella Maple Juno Greta".split()
HE = "Tom Finn Max Leo Otto Hugo Sam Milo Jasper Felix Oscar Ben Rufus Toby Barney Theo Kip Bruno Ned Archie".split()
NATURES = "small shy brave clever gentle curious cheerful quiet kind sleepy merry stubborn careful lonely old young".split()

# animal: where it lives, what it likes to eat, what it is good at
ANIMALS = {
    "fox": ("a den under the hill", "blackberries", "finding paths in the dark"),
    "bear": ("a deep warm cave", "honey", "lifting heavy things"),
    "rabbit": ("a burrow by the field", "clover", "digging"),
    "owl": ("a hollow oak", "warm bread", "seeing in the dark"),
    "mouse": ("a hole behind the mill", "cheese", "squeezing through small gaps"),
    "duck": ("the reeds by the pond", "water plants", "swimming"),
    "frog": ("a pond full of lilies", "fresh beetles", "jumping far"),
    "hedgehog": ("a heap of dry leaves", "red apples", "smelling things far away"),
    "squirrel": ("a tall pine tree", "hazelnuts", "climbing"),
    "beaver": ("a lodge on the river", "tender bark", "building with wood"),
    "badger": ("a hollow in the wood", "sweet roots", "digging"),
    "otter": ("a hole by the river", "river fish", "swimming"),
    "turtle": ("a bay of the lake", "green leaves", "being patient"),
    "crow": ("the top of an elm", "ripe corn", "spying things from above"),
    "goat": ("a hut on the mountain", "fresh grass", "climbing"),
    "cat": ("a house near the harbor", "milk", "walking without a sound"),
    "mole": ("a tunnel under the garden", "sweet roots", "digging"),
    "deer": ("a clearing in the forest", "green leaves", "running fast"),
    "donkey": ("a stable at the farm", "carrots", "carrying heavy things"),
    "sparrow": ("a nest under the roof", "sunflower seeds", "flying over walls"),
}
SKIES = {  # a kind of day: what the sky did
    "windy": "the wind blew the leaves across the path",
    "rainy": "the rain drummed on the roofs",
    "snowy": "the snow covered the whole valley",
    "foggy": "the fog hid the tops of the trees",
    "sunny": "the sun warmed the stones",
    "stormy": "the thunder rolled over the hills",
    "frosty": "the ice shone on the pond",
    "cloudy": "the clouds hung low over the fields",
}
PLACES = ["the old bridge", "the mill", "the tall pine", "the well", "the garden gate", "the mossy rock", "the river bank",
          "the blue pond", "the empty barn", "the crooked fence", "the hollow log", "the market square"]
THINGS = ["red scarf", "silver key", "little bell", "wooden boat", "green hat", "glass button", "brass whistle",
          "blue kite", "warm blanket", "tin drum", "paper lantern", "golden ring", "striped ball", "map of the woods"]
GIFTS = ["a jar of jam", "a warm pie", "a bunch of daisies", "a smooth white stone", "a basket of plums", "a woolen cap",
         "a pot of soup", "a honey cake", "a bright feather"]

# In an opening, a plot and an ending, {a} is the hero, {b} the friend and [x|y] one of x and y.
OPENINGS = [
    "Once upon a time, there was {a.kind} named {a}, who lived in {a.home}.",
    "Once upon a time, {a.kind} named {a} lived in {a.home}.",
    "It was a {sky} {time}, and {did}. {a.full} sat in {a.home}.",
    "In {a.home} lived {a.kind}. {a.They} was called {a}, and {a.they} liked {a.food}.",
    "{a.full} lived in {a.home}. {a.They} was {a.nature} and good at {a.skill}.",
]
ENDINGS = [" And they were friends for ever.", " That night, everyone slept well.", " The end.", " It was a good day.",
           " And if you listen, you can still hear them laugh.", "", "", "", "", ""]

# A plot: what its own words stand for, one row for each way it can go; then its text.
PLOTS = [
    # lost and found
    (("cause", "clue", "found"),
     [("The wind had carried it away", "saw something move near {third}", "hung there in the branches"),
      ("{a.They} had run too fast and dropped it", "saw small footprints that led to {third}", "lay there in the grass"),
      ("There was a hole in {a.their} bag", "saw something shine near {third}", "lay there in the sun"),
      ("A magpie had liked it too", "heard a magpie laugh near {third}", "lay there in an empty nest")],
     """{a} had a {thing}, and {a.they} loved it very much. One {sky} {time}, the {thing} was gone. {cause}.
     {a.They} looked near {first}, and {a.they} looked near {second}, but {a.they} did not find it.
     "[Do not cry|Do not worry|Let us look together]," said {b.full}. "I am good at {b.skill}."
     Soon {b} {clue}. The {thing} {found}! {a} was so happy that {a.they} gave {b} {gift}."""),
    # a roof for a friend
    (("rain", "wet"),
     [("the rain", "wet"), ("the snow", "cold"), ("the storm", "afraid"), ("the hail", "sore"), ("the fog", "lost")],
     """One {time}, {a} went to {first} to look for {a.food}. Then {rain} came, and {a} was {wet}, and it was far to go.
     {a.They} saw a light between the trees. It was the home of {b.full}, who lived in {b.home}.
     "May I come in?" asked {a}. "[Of course|Come in|There is room for two]," said {b},
     "[the fire is warm|the soup is ready|sit by the fire]." They ate {b.food} and told stories until {rain} was over.
     From then on, whenever {rain} came, the door of {a} was open too."""),
    # half of a little
    (("cause",),
     [("The winter had been long",), ("The summer had been dry",), ("The river had flooded the fields",),
      ("The frost had come too early",)],
     """{cause}, and there was no {a.food} left. {a} was very hungry. {a.They} met {b.full}, who had a basket of {b.food}.
     "I have only a little," said {b}, "but [half of it is yours|we can share it|take what you need]."
     {a} never forgot that. When [spring|summer|autumn] came, {a.they} found more {a.food} than {a.they} could eat. So
     {a.they} carried a [big bag|full basket|full bucket] of it to {b}. "[What a surprise|So much|All that for me]!" said
     {b}. "[Friends share|You shared with me first|Now we are both full]," said {a}."""),
    # one step, and then another
    (("fear", "place", "remedy", "truth"),
     [("the dark", "the wood at night", "held up a lantern", "the dark was only the night with closed eyes"),
      ("deep water", "the lake", "floated on a log beside {a.them}", "the water carried {a.them} like a hand"),
      ("thunder", "the hill", "counted from the flash to the rumble", "the storm was going away"),
      ("high places", "the tall pine", "climbed one branch ahead", "the whole valley lay below like a map"),
      ("strangers", "the market", "said hello to everyone on the way", "every stranger had a smile"),
      ("the old house", "the old house", "knocked three times and laughed", "only a family of mice lived there")],
     """{a} was afraid of {fear}. When the others went to {place}, {a.they} stayed at home. "[I was afraid once too|Everyone
     is afraid of something|Being brave is easier for two]," said {b.full}. "Come with me." They went to {place} together.
     {b} {remedy}. {a} [took a deep breath|closed {a.their} eyes|held on tight] and took one step, and then another.
     And {a.they} saw that {truth}. "[Once more|I did it|It is beautiful]!" cried {a}, and {a.they} was not afraid any
     more."""),
    # the small helper
    (("fell", "helped"),
     [("fell into the dry well", "let down a long rope"), ("sank into the mud", "laid a plank across the mud"),
      ("got caught in the thorns", "bit through the thorns one by one"),
      ("slid into the deep snow", "dug a path through the snow"),
      ("got caught in a net", "pulled at the knots until they opened")],
     """{a} was [big|strong|proud], and {a.they} often laughed at {b.full}. "You are too small to help anyone," {a.they} said.
     One {sky} {time}, {a} did not look where {a.they} was going, and {a.they} {fell}. "Help!" {a.they} called.
     [Nobody came|Nobody heard|Only the wind answered] for a long time. Then {b} came along the path. {b.They} did not
     laugh. {b.They} {helped}, and {a} was free. "Thank you," said {a}. "[I was wrong about you|You are small, but your heart
     is big|I will never laugh at you again]." [Small friends can be a great help|They walked home side by side|And {a.they}
     kept that promise]."""),
    # something made
    (("work", "one", "two", "use"),
     [("a kite", "thin paper", "a long string", "It flew so high that it touched the clouds"),
      ("a boat", "a smooth log", "a piece of cloth", "It sailed across the pond and back"),
      ("a pot of soup", "three carrots", "a pinch of salt", "It smelled so good that all the neighbors came"),
      ("a lantern", "a clear jar", "a little candle", "It shone in the window all night"),
      ("a swing", "a strong rope", "a wide board", "It went up to the leaves and down again"),
      ("a drum", "an empty barrel", "an old cloth", "Everyone danced when they heard it"),
      ("a bed", "four straight sticks", "a sack of hay", "It was softer than any cloud")],
     """{a} wanted to make {work}, but {a.they} did not know how. "You need {one} and {two}," said {b.full}, who knew about such
     things. So they found {one} near {first}, and {two} near {second}. They worked all [morning|day|afternoon].
     [Twice it broke, and twice they began again|It was harder than it looked|They sang while they worked]. At last it was
     done. {use}. "[We made it|Look at that|It is perfect]!" said {a}. "[Two heads are better than one|It belongs to both of
     us|Now we can make anything]," said {b}."""),
    # mine and ours
    (("broke", "mended"),
     [("broke in two", "took it home and glued it"), ("fell into the mud", "washed it in the brook"),
      ("flew into the river", "fished it out with a stick"), ("lost its color", "painted it again")],
     """{a} and {b.full} found a {thing} near {first}. "It is mine," said {a}. "No, it is mine," said {b}. They pulled and
     pulled, until the {thing} {broke}. Then both of them were [sad|sorry|ashamed], and nobody said a word. "[I am
     sorry|It was my fault|I should have shared]," said [{a}|{b}] at last. Together they {mended}, and it was almost as good
     as new. Now {a} has it when [the sun shines|the moon is full|it is summer], and {b} has it when [it rains|the moon is
     thin|it is winter]."""),
    # slow and steady
    (("stopped",),
     [("eat some {a.food}",), ("sleep in the shade",), ("look at {a.their} face in the water",), ("talk to the crickets",)],
     """"Nobody is faster than I am," said {a} every day. "[Then let us race|Let us run|I will race you] to {first}," said
     {b.full}. {a} ran ahead, and soon {a.they} could not see {b} any more. So {a.they} stopped to {stopped}. {b} went on, step
     by step, and [did not stop once|hummed a quiet song|did not look back]. When {a} came to {first}, {b} was sitting there
     [with a smile|in the sun|and waving]. "[How did you do that|How can that be]?" asked {a}. "I was slow," said {b}, "but I
     [kept going|did not stop|knew the way].\""""),
    # the birthday
    (("trail",),
     [("a trail of petals",), ("a line of white stones",), ("a long red thread",), ("small arrows in the sand",)],
     """It was the birthday of {a}, but nobody said a word about it. {a} was [sad|a little sad|very quiet]. Then {a.they} saw
     {trail} that led to {first}. {a.They} followed it [over the hill|through the wood|along the river] with a beating heart.
     "Surprise!" cried {b.full}, and all the friends came out from behind the trees. There was [a cake with candles|a table
     full of {a.food}|music and dancing], and {b} gave {a.them} a {thing}. "[I thought you had forgotten|This is the best day of
     my life|What a wonderful surprise]!" said {a}, and {a.they} laughed until the [moon|stars] came out."""),
    # a seed
    (("seed", "crop", "dish"),
     [("pumpkin", "a pumpkin as big as a cart", "pie"), ("sunflower", "a sunflower as tall as the roof", "bread"),
      ("bean", "a bean that climbed to the window", "soup"), ("strawberry", "a bush full of strawberries", "jam"),
      ("carrot", "a row of sweet carrots", "stew"), ("cherry", "a tree full of cherries", "cake")],
     """{a} planted a {seed} seed near {first} and waited. But [there was no rain|the ground was dry|the sun was too hot], and
     nothing grew. {a} wanted to give up. "[It is only thirsty|Seeds need water|Give it time]," said {b.full}, and {b.they}
     brought water from the well every [morning|evening]. One {time}, there was a green leaf. Then there were two. In the
     autumn there was {crop}. They made {seed} {dish} out of it, and there was enough for [everyone|the whole village|all their
     friends]. And {a} kept one seed for [the next spring|{b}|next year]."""),
    # a light in a jar
    (("light",),
     [("star",), ("firefly",), ("spark",), ("moonbeam",)],
     """One night, {a} caught a little {light} near {first} and put it in a jar. At first it shone so brightly that {a.they}
     could [read by it|see every corner of the room|count the spiders on the wall]. But every night the {light} [grew
     weaker|shone a little less|was a little paler]. "It misses the sky," said {b.full}. {a} thought about it [for a long
     time|all night|and was silent]. Then {a.they} opened the jar. The {light} rose up, [higher and higher|over the trees|past
     the roof], and it shone as never before. Now, when {a} goes home in the dark, one {light} [lights the way|is always
     there|shines for {a.them}]."""),
    # a long way
    (("block", "helped"),
     [("the bridge was gone", "built a raft"), ("a tree lay across the road", "found a way around it"),
      ("the path was covered with snow", "made a path"), ("it was too dark to see", "lit a lamp"),
      ("the river was too wide", "called a ferry"), ("the gate was closed", "knew where the key was")],
     """The {whom} of {a} was ill, so {a} set out with {gift}. It was a {sky} day, and the way led [over the mountain|through the
     dark wood|along the river]. Then {a.they} had to stop, because {block}. {a} [sighed|did not know what to do|almost cried].
     "[Why are you so sad|Where are you going|Can I help you]?" asked {b.full}. {a} told {b.them} everything, and {b} {helped}.
     Before the sun went down, they [knocked at the door|saw the little house|were there]. The {whom} ate, and smiled, and
     [was soon well again|felt better at once|asked them both to stay]."""),
]


def invented(draw):
    """A name that nobody bears: it can only be copied, not known."""
    syllables = "".join(draw.choice("bdfghjklmnprstvwz") + draw.choice("aeiou") for _ in range(draw.choice([1, 2, 2, 3])))
    return (syllables + draw.choice(["", "l", "n", "r", "s", "t", "x"])).capitalize()


class Character:
    """Somebody of a story, with the words that stand for her or him."""

    def __init__(self, draw, other=None, strangers=0.0):
        female = draw.random() < 0.5
        self.they, self.them, self.their = ("she", "her", "her") if female else ("he", "him", "his")
        self.They = self.they.capitalize()
        self.name = draw.choice([n for n in (SHE if female else HE) if not other or n != other.name])
        if draw.random() < strangers:
            self.name = invented(draw)
        self.animal = draw.choice([a for a in ANIMALS if not other or a != other.animal])
        self.home, self.food, self.skill = ANIMALS[self.animal]
        self.nature = draw.choice(NATURES)
        self.kind = f"{'an' if self.nature[0] in 'aeiou' else 'a'} {self.nature} {self.animal}"
        self.full = f"{self.name} the {self.animal}"

    def __format__(self, spec):
        return self.name


def story(draw, strangers=0.0):
    """One story, a line of ASCII text. `strangers` is the share of its characters that have invented names."""
    hero = Character(draw, strangers=strangers)
    sky, did = draw.choice(list(SKIES.items()))
    first, second, third = draw.sample(PLACES, 3)
    words = dict(a=hero, b=Character(draw, other=hero, strangers=strangers), sky=sky, did=did, first=first,
                 second=second, third=third, time=draw.choice(["morning", "afternoon", "evening", "day"]), thing=draw.choice(THINGS),
                 gift=draw.choice(GIFTS),
                 whom=draw.choice(["grandmother", "grandfather", "sister", "uncle", "cousin"]))
    names, rows, plot = draw.choice(PLOTS)
    words.update(zip(names, (value.format(**words) for value in draw.choice(rows))))
    text = " ".join(f"{draw.choice(OPENINGS)} {plot}{draw.choice(ENDINGS)}".split()).format(**words)
    return re.sub(r"\[([^]]*)\]", lambda choice: draw.choice(choice.group(1).split("|")), text)


if __name__ == "__main__":
    source = random.Random()
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        print(story(source), end="\n\n")
