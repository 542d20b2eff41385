"""The ten topics of ordinary help: a good answer needs the action's method and the object's detail."""

from cai_core.sandbox.facts import HelpTopic, Tasks

HELP_TOPICS: tuple[HelpTopic, ...] = (
    HelpTopic(
        "cooking",
        Tasks(
            {
                "bake": "heat the oven early",
                "fry": "warm the oil slowly",
                "season": "add salt in pinches",
                "freeze": "seal it in a bag",
                "grill": "wait for white coals",
            },
            {
                "salmon": "use lemon and dill",
                "potatoes": "leave the skin on",
                "chicken": "rub in some paprika",
                "mushrooms": "brush off the dirt",
                "tofu": "press out the water",
                "pumpkin": "scoop out the seeds",
            },
        ),
    ),
    HelpTopic(
        "gardening",
        Tasks(
            {
                "plant": "dig a deep hole",
                "water": "pour in the morning",
                "prune": "cut above a bud",
                "feed": "mix in some compost",
                "move": "keep the roots wet",
            },
            {
                "roses": "give them six hours of sun",
                "tomatoes": "tie them to a stick",
                "an apple tree": "leave two meters of room",
                "tulips": "wait until autumn",
                "a cactus": "add sand to the pot",
                "strawberries": "spread straw below",
            },
        ),
    ),
    HelpTopic(
        "travel",
        Tasks(
            {
                "plan a trip to": "make a list of sights",
                "save money in": "buy a day pass",
                "get around": "take the tram",
                "find a hotel in": "read recent reviews",
                "spend a weekend in": "arrive on Friday",
            },
            {
                "Paris": "see the river at night",
                "Tokyo": "try the noodle bars",
                "Cairo": "start before the heat",
                "Lima": "taste the fresh fish",
                "Oslo": "pack a warm coat",
                "Rome": "walk the old forum",
            },
        ),
    ),
    HelpTopic(
        "music",
        Tasks(
            {
                "learn": "practice ten minutes daily",
                "tune": "listen to a fork",
                "record": "place the microphone close",
                "teach a child": "begin with a song",
                "buy": "visit three shops",
            },
            {
                "the guitar": "press near the frets",
                "the piano": "curve your fingers",
                "the violin": "relax the bow arm",
                "the flute": "blow across the edge",
                "the drums": "count the beat aloud",
                "the harp": "pluck with soft thumbs",
            },
        ),
    ),
    HelpTopic(
        "fitness",
        Tasks(
            {
                "start with": "go twice a week",
                "get better at": "raise the goal slowly",
                "warm up for": "stretch both legs",
                "recover after": "drink milk and rest",
                "stay safe during": "stop when it hurts",
            },
            {
                "running": "wear light shoes",
                "swimming": "breathe every third stroke",
                "rowing": "push from the heels",
                "yoga": "use a thick mat",
                "boxing": "guard your chin",
                "climbing": "trust your feet",
            },
        ),
    ),
    HelpTopic(
        "pets",
        Tasks(
            {
                "train": "reward each success",
                "groom": "comb out the knots",
                "calm": "dim the lights",
                "wash": "test the water first",
                "play with": "hide a small toy",
            },
            {
                "a puppy": "stay patient and kind",
                "an old cat": "let it come closer",
                "a rabbit": "support its back legs",
                "a parrot": "repeat the same word",
                "a pony": "stand at its shoulder",
                "a hamster": "wait until evening",
            },
        ),
    ),
    HelpTopic(
        "repair",
        Tasks(
            {
                "fix": "turn off the power",
                "install": "measure the space twice",
                "replace": "keep every old screw",
                "paint": "sand it smooth",
                "take apart": "photograph each stage",
            },
            {
                "a ceiling lamp": "stand on a firm ladder",
                "a kitchen tap": "close the main valve",
                "a wooden door": "lift it off the hinges",
                "a window frame": "tape around the glass",
                "a radiator": "drain it into a bucket",
                "a door bell": "connect the red wire last",
            },
        ),
    ),
    HelpTopic(
        "writing",
        Tasks(
            {
                "write": "sketch the main idea",
                "shorten": "delete every second adjective",
                "edit": "read it aloud",
                "title": "pick three strong words",
                "finish": "return to the first line",
            },
            {
                "a poem": "listen for the rhythm",
                "a love letter": "name a shared memory",
                "a speech": "pause after each point",
                "a short novel": "give the hero a wish",
                "a job application": "mention past results",
                "a travel blog": "describe the smells",
            },
        ),
    ),
    HelpTopic(
        "art",
        Tasks(
            {
                "draw": "begin with light circles",
                "sculpt": "wet the clay",
                "color": "blend two shades",
                "sketch": "hold the pencil loosely",
                "frame": "leave a pale border",
            },
            {
                "a portrait": "place the eyes halfway down",
                "a mountain": "make the top lighter",
                "a bird": "follow the wing curve",
                "a sunset": "put orange near the horizon",
                "a horse": "check the leg joints",
                "a vase": "fold the paper in half",
            },
        ),
    ),
    HelpTopic(
        "camping",
        Tasks(
            {
                "camp near": "set the tent on flat ground",
                "hike around": "carry a map",
                "cook beside": "build a ring of stones",
                "sleep by": "bring a thick blanket",
                "watch stars over": "let your eyes adjust",
            },
            {
                "a lake": "stay above the shore line",
                "a forest": "hang food from a branch",
                "a beach": "check the tide table",
                "a glacier": "rope up in pairs",
                "a desert": "double the drinking water",
                "a waterfall": "watch for slippery rocks",
            },
        ),
    ),
)
