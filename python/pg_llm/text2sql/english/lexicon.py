"""English words and phrases that carry a question's structure.

Each phrase maps to a symbol and what it carries. Symbols:

Q a count, A an aggregate, X a superlative, P a comparison, p one that follows
its number, B between, L a text pattern, E each, O order by, K a direction,
U distinct, ! negation, W whose or with, F a preposition, I be, H a wh-word,
G a verb that asks, & and, | or, Z in stock or not.
"""

from __future__ import annotations

from pg_llm.text2sql.composition.lexeme import Hint, Superlative
from pg_llm.text2sql.words import root, word_set

AGE = Hint(
    ("age",),
    (
        "birth", "birth date", "birthday", "birth year", "founded", "opened", "established",
        "open", "open year", "founding", "built", "construction", "year",
    ),
)  # fmt: skip
SIZE = Hint(("size", "area", "capacity", "population", "length", "amount", "total"))
_AGED = Hint(("age", "birth date", "birth", "birthday"))
_LENGTH = Hint(("length", "duration", "height", "distance", "pages", "runtime", "minutes"))
_WEIGHT = Hint(("weight", "mass"))
_HEIGHT = Hint(("height", "tall"))
_PRICE = Hint(("price", "cost", "rate", "amount", "fee"))
_PAY = Hint(("salary", "wage", "pay", "income", "earning"))
_TIME = Hint(("date", "time", "year"))
_SPEED = Hint(("speed", "velocity"))
_SCORE = Hint(("rating", "score", "grade", "rank"))
_NONE = Hint(())


def _phrases() -> dict[str, tuple[str, object]]:
    table: dict[str, tuple[str, object]] = {}

    def add(symbol: str, payload: object, phrases: str) -> None:
        for phrase in phrases.split("|"):
            table[phrase.strip()] = (symbol, payload)

    add(
        "Q",
        None,
        "how many|number of|the number of|numbers of|total number of|count of|total count of"
        "|count the number of|count|how many times|quantity of|how often|total numbers of"
        "|how many total|tally of|amount of times",
    )
    add("A", "avg", "average|avg|mean|averaged|on average")
    add("A", "sum", "total|sum of|sum|combined|total sum of|summed|overall total|total amount of")
    add("A", "max", "maximum|max")
    add("A", "min", "minimum|min")
    for phrases, descending, hint in (
        (
            "highest|most|largest number of|highest number of|greatest number of|maximal",
            True,
            _NONE,
        ),
        ("greatest|biggest|largest|top|maximum number of|most number of", True, _NONE),
        ("lowest|least|fewest|smallest number of|lowest number of|minimal", False, _NONE),
        ("smallest|bottom|least number of|fewest number of|minimum number of", False, _NONE),
        ("oldest|eldest|most senior", True, AGE),
        ("youngest|most junior", False, AGE),
        ("tallest", True, _HEIGHT),
        ("shortest", False, Hint(("height", *_LENGTH.words))),
        ("longest", True, _LENGTH),
        ("heaviest", True, _WEIGHT),
        ("lightest", False, _WEIGHT),
        ("most expensive|costliest|priciest", True, _PRICE),
        ("least expensive|cheapest", False, _PRICE),
        ("latest|most recent|newest|last|most recently", True, _TIME),
        ("earliest|first|least recent|least recently", False, _TIME),
        ("fastest|quickest", True, _SPEED),
        ("slowest", False, _SPEED),
        ("best|highest rated|highest-rated|best rated|top rated", True, _SCORE),
        ("worst|lowest rated|lowest-rated", False, _SCORE),
        ("most populous|most populated|most populace", True, Hint(("population",))),
        ("least populous|least populated", False, Hint(("population",))),
    ):
        add("X", Superlative(descending, hint), phrases)
    add("X", Superlative(True, _NONE, size=True), "largest|biggest|greatest")
    add("X", Superlative(False, _NONE, size=True), "smallest")
    add(
        "X",
        Superlative(True, _NONE, common=True),
        "most common|most popular|most frequent|most frequently|most often|most commonly|"
        "most frequently used|most commonly used",
    )
    add(
        "X",
        Superlative(False, _NONE, common=True),
        "least common|least popular|least frequent|rarest",
    )
    for op, phrases in (
        (
            ">",
            (
                "more than|greater than|larger than|higher than|bigger than|over|above|"
                "exceeding|exceeds|exceed|exceeded|in excess of|better than|>|greater|"
                "strictly more than"
            ),
        ),
        (
            ">=",
            (
                "at least|no less than|not less than|no fewer than|greater than or equal to|"
                "more than or equal to|>=|minimum of|a minimum of|equal to or greater than|"
                "equal or greater than|equal or more than|not fewer than"
            ),
        ),
        (
            "<",
            (
                "less than|fewer than|smaller than|lower than|under|below|beneath|<|"
                "strictly less than"
            ),
        ),
        (
            "<=",
            (
                "at most|no more than|not more than|up to|less than or equal to|<=|maximum of|"
                "a maximum of|not over|not exceeding|no greater than|equal to or less than"
            ),
        ),
        ("=", "exactly|equal to|equals|equal|=|precisely"),
        ("<>", "other than|not equal to|different from|<>|!="),
    ):
        add("P", (op, _NONE, False), phrases)
    for op, hint, phrases in (
        (">", _AGED, "older than"),
        ("<", _AGED, "younger than"),
        (">", _LENGTH, "longer than"),
        ("<", _LENGTH, "shorter than"),
        (">", _WEIGHT, "heavier than"),
        ("<", _WEIGHT, "lighter than"),
        (">", _HEIGHT, "taller than"),
        (
            ">",
            _PRICE,
            (
                "more expensive than|costing more than|cost more than|costs more than|"
                "priced above|priced over"
            ),
        ),
        (
            "<",
            _PRICE,
            (
                "cheaper than|less expensive than|costing less than|cost less than|"
                "costs less than|priced below|priced under"
            ),
        ),
        (
            ">",
            _PAY,
            (
                "earn more than|earns more than|earning more than|earned more than|paid more than|"
                "making more than|makes more than|earning over|earn over|earning above"
            ),
        ),
        (
            "<",
            _PAY,
            (
                "earn less than|earns less than|earning less than|earned less than|paid less than|"
                "making less than|makes less than|earning under|earn under|earning below"
            ),
        ),
        (">", _SPEED, "faster than"),
        ("<", _SPEED, "slower than"),
    ):
        add("P", (op, hint, False), phrases)
    add("P", (">", _TIME, True), "after|later than")
    add("P", (">=", _TIME, True), "since|starting from|on or after|from or after|no earlier than")
    add("P", ("<", _TIME, True), "before|prior to|earlier than")
    add("P", ("<=", _TIME, True), "on or before|until|no later than|by the end of")
    add(
        "p",
        ">=",
        "or more|or above|or over|or higher|or greater|and above|and over|or later|"
        "or after|and later|or longer|or larger|and more|or older|and older",
    )
    add(
        "p",
        "<=",
        "or less|or fewer|or below|or lower|or under|and below|and under|or earlier|"
        "or before|or younger|or shorter|or smaller",
    )
    add("-", None, "minus")
    add("B", None, "between")
    add(
        "L",
        "{}%",
        "starting with|starts with|start with|started with|begins with|begin with|"
        "beginning with|starting with the letter|starts with the letter|"
        "start with the letter|begins with the letter|begin with the letter|"
        "beginning with the letter|starting with letter|prefixed with|prefix",
    )
    add(
        "L",
        "%{}",
        "ending with|ends with|end with|ending in|ends in|end in|ending with the letter|"
        "ends with the letter|end with the letter",
    )
    add(
        "L",
        "%{}%",
        "containing|contains|contain|contained|has the substring|have the substring|"
        "with the substring|has the word|includes the word|including the word|"
        "contains the word|containing the word|contain the word|has the letter|"
        "includes the letter|contains the letter|containing the letter|contain the letter|"
        "includes the substring|contains the substring|contain the substring|"
        "containing the substring|matching|like|has a substring|with substring|"
        "contains the string|containing the string|contain the string|has the phrase|"
        "contains the phrase|mentions|mentioning|mention|with the word",
    )
    add(
        "E",
        None,
        "each|every|per|for each|in each|by each|of each|at each|from each|with each|"
        "for every|in every|of every|to each|on each|grouped by|group by|broken down by|"
        "break down by|split by|within each|for each of|aggregated by|across each|"
        "for all the different|for different|for each different|for the different|"
        "of each different",
    )
    add("E", None, "per each")
    add(
        "O",
        None,
        "ordered by|sorted by|order by|sort by|in order of|ranked by|arranged by|"
        "order them by|order the results by|order results by|sort the results by|"
        "sort results by|sort them by|order the result by|sort the result by|rank them by|"
        "order the list by|listed by|sort the list by|ordering by|sorting by|"
        "in the order of|ordered from|sorted in order of|arrange by|ordered in|sorted in|"
        "ordered|sorted|order|sort|arranged in|listed in|arranged|sorted from",
    )
    add(
        "K",
        True,
        "in descending order|in descending alphabetical order|descending alphabetical order|"
        "in reverse alphabetic order|descending|in decreasing order|desc|from highest to lowest|"
        "highest first|most first|from high to low|from largest to smallest|largest first|"
        "in reverse alphabetical order|reverse alphabetical order|in reverse order|"
        "descending order|from most to least|from the highest to the lowest|"
        "from the most to the least|from biggest to smallest|decreasing|decreasing order|"
        "from the largest to the smallest|reverse alphabetically|in descendant order|"
        "reverse lexicographical order|from newest to oldest|newest first|latest first|"
        "most recent first|from best to worst|from latest to earliest|"
        "starting from the highest|from the most recent to the oldest|"
        "from the newest to the oldest|"
        "from the latest to the earliest|from the best to the worst|from longest to shortest|"
        "from the longest to the shortest|from most recent to oldest",
    )
    add(
        "K",
        False,
        "in ascending order|in ascending alphabetical order|in ascending alphabetic order|"
        "ascending|in increasing order|asc|from lowest to highest|"
        "lowest first|from low to high|from smallest to largest|smallest first|"
        "in alphabetical order|alphabetically|alphabetical order|alphabetic order|"
        "in alphabetic order|ascending order|from least to most|"
        "from the lowest to the highest|increasing|increasing order|"
        "from the smallest to the largest|in lexicographic order|in lexicographical order|"
        "lexicographical order|lexicographically|alphabetical|"
        "ascending alphabetical order|chronologically|in chronological order|"
        "from oldest to newest|oldest first|earliest first|from earliest to latest|"
        "by alphabetical order|chronological order|from the oldest to the newest|"
        "from the earliest to the latest|from the worst to the best|from shortest to longest|"
        "from the shortest to the longest",
    )
    add(
        "k",
        (AGE, True),
        "from oldest to youngest|from the oldest to the youngest|oldest to youngest|"
        "from old to young",
    )
    add(
        "k",
        (AGE, False),
        "from youngest to oldest|from the youngest to the oldest|youngest to oldest|"
        "from young to old",
    )
    add(
        "k",
        (_PRICE, True),
        "from the most expensive to the cheapest|from most expensive to cheapest|"
        "from the most expensive to the least expensive|most expensive first",
    )
    add(
        "k",
        (_PRICE, False),
        "from the cheapest to the most expensive|from cheapest to most expensive|"
        "from the least expensive to the most expensive|cheapest first",
    )
    add("k", (_HEIGHT, True), "from tallest to shortest|from the tallest to the shortest")
    add("U", None, "distinct|different|unique|the distinct|the different")
    add(
        "!",
        None,
        "not|no|without|never|don't|doesn't|didn't|isn't|aren't|wasn't|weren't|hasn't|"
        "haven't|except|excluding|neither|nor|cannot|can't|except for|do not|does not|"
        "did not|other than the|no single|not a single|without any|not any|no any|"
        "not have|lack|lacks|lacking|exclusive of|not including",
    )
    add(
        "W",
        None,
        "with|whose|having|that|who|have|has|had|where|when|which have|that have|that has|"
        "who have|who has|which has|for which|in which|whom|for whom|and whose|and who|"
        "such that|on which|to which|of which|by which|at which|under which|from which|"
        "where the|which|with a|with an|possessing|featuring",
    )
    add(
        "H",
        None,
        "what|which|who|whom|what's|who's|what are|what is|which is|which are|who is|"
        "who are|what was|what were",
    )
    add(
        "G",
        None,
        "show|list|find|give|return|tell|display|get|provide|select|fetch|report|compute|"
        "calculate|identify|name|state|enumerate|present|output|retrieve|determine|"
        "describe|look up|i want|i want to know|i would like|i'd like|can you|could you|"
        "please list|write|print|mention|tell me|show me|give me|find out|list out|"
        "list all|show all|indicate|specify|say|see|what about|search for|search|"
        "list down|count up|include|also include|also return|also show|also list|also give",
    )
    add("F", "of", "of")
    add("F", "for", "for|among|amongst|across|regarding|concerning|about|belonging to|out of")
    add("F", "in", "in|inside|within|at|into|on|during|located in|based in|living in|throughout")
    add("F", "from", "from")
    add("Y", "by", "by")
    add("F", "by", "via|through")
    add("F", "to", "to|toward|towards|onto")
    add("I", None, "is|are|was|were|be|been|being|'s")
    add("b", None, "both")
    add("Z", ">", "in stock|on stock|still in stock")
    add("Z", ">", "with stock|have stock|has stock")
    add("Z", "=", "out of stock|sold out|not in stock|no longer in stock|no stock|without stock")
    add("Z", "=", "without any stock|with no stock|have no stock|has no stock")
    add(
        "Z",
        None,
        "run out|runs out|ran out|running out|run out of|runs out of|ran out of|running out of|"
        "run out of stock|runs out of stock|ran out of stock|running out of stock|run low|"
        "running low|runs low|running short|low on stock|short of stock|low in stock|low stock",
    )
    add(
        "&",
        None,
        "and|,|as well as|along with|together with|also|plus|and also|but|and the|;|"
        "and then|while|in addition to|additionally|followed by",
    )
    add("|", None, "or|either|and/or")
    return table


PHRASES = _phrases()
LONGEST = max(len(phrase.split()) for phrase in PHRASES)

TIME_UNITS = {
    form: unit
    for unit, forms in {
        "day": "day daily",
        "week": "week weekly",
        "month": "month monthly",
        "quarter": "quarter quarterly",
        "year": "year yearly annual annually",
    }.items()
    for form in forms.split()
}

# Units that may follow a number: the column holds what is measured in them.
UNITS = word_set(
    """
    kg kgs kilogram kilograms km kilometer kilometers kilometre kilometres cm centimeters mm m
    meter meters metre metres mile miles lb lbs pound pounds foot feet inch inches dollar dollars
    usd eur euro euros mph minutes
    """
)

# Words that carry nothing for the SQL.
STOP = word_set(
    """
    a an the this that these those there here all any some do does did done we us our ours i me
    my you your it its they them their theirs he she his her him let please kindly so then than
    too very just exist exists existing available currently current overall altogether
    respectively corresponding correspondingly database table record records row rows data
    information info details entire whole such would could should can may might will shall as if
    same own various ever yet still already well value values result results answer query
    following given certain particular specific individual one ones name's someone anyone
    everyone now today's set terms term entries entry instances also out up off able many much
    their associated related recorded listed whatever together only total's show using used use
    based happen happened happening occur occurred occurs take taken taking took place places
    each's held hold holds called named known titled labeled labelled involved involving involve
    involves include included includes including contain considering regardless when within
    ignore member members people person persons thing things
    """
)

# Verbs that say no more than that two things belong together.
LIGHT = word_set(
    """
    have own make buy sell place perform play live locate belong work take get give hold offer
    use attend enroll enrol register participate appear act star direct write publish produce
    create build design develop manufacture release serve supply ship deliver order purchase
    rent lease borrow return pay receive earn spend cost speak teach study learn major graduate
    join sign visit travel fly drive ride operate run manage lead head supervise employ hire
    recruit assign contribute compose sing record broadcast air win lose compete host held
    sponsor fund own raise keep store stock treat prescribe diagnose report suffer undergo go
    come start begin end finish complete cancel approve process handle book reserve stay check
    post comment vote rate review like follow exist happen occur reside situate base list
    contain include consist comprise cover feature associate relate connect link correspond
    affiliate generate do be weigh measure reach achieve obtain collect possess carry bear
    transact trade invest issue grant award nominate elect select choose involve represent cite
    reference present submit accept reject open close found establish invent discover see watch
    view read eat drink cook arrive depart land leave reside born die kill injure damage sink
    capture belong concern serve provide bring send request answer ask need require want turn
    become remain exceed found pick grow charge bill invoice collect store document log track
    mark sponsor accompany support bear enter exit locate originate feed adopt train coach
    captain draft share transfer loan rent mint print stream download upload click play listen
    """
)

# A few forms that the stemmer does not undo.
IRREGULAR_VERBS = {
    "made": "make", "bought": "buy", "sold": "sell", "paid": "pay", "spent": "spend",
    "took": "take", "taken": "take", "given": "give", "gave": "give", "held": "hold",
    "wrote": "write", "written": "write", "sang": "sing", "sung": "sing", "won": "win",
    "lost": "lose", "spoke": "speak", "spoken": "speak", "taught": "teach", "learnt": "learn",
    "flew": "fly", "flown": "fly", "drove": "drive", "driven": "drive", "rode": "ride",
    "ran": "run", "led": "lead", "built": "build", "kept": "keep", "went": "go", "gone": "go",
    "came": "come", "began": "begin", "begun": "begin", "saw": "see", "seen": "see", "ate": "eat",
    "drank": "drink", "left": "leave", "lent": "lend", "got": "get", "gotten": "get",
    "sent": "send", "brought": "bring", "grew": "grow", "grown": "grow", "chosen": "choose",
    "chose": "choose", "born": "born", "sank": "sink", "sunk": "sink", "became": "become",
    "said": "say", "found": "found", "underwent": "undergo", "borne": "bear", "done": "do",
}  # fmt: skip


def light_base(word: str) -> str | None:
    """Return the light verb that a word is a form of."""
    word = IRREGULAR_VERBS.get(word, word)
    if word in LIGHT:
        return word
    for suffix, replacements in (
        ("ies", ("y",)),
        ("ied", ("y",)),
        ("ing", ("", "e")),
        ("ed", ("", "e")),
        ("es", ("", "e")),
        ("s", ("",)),
    ):
        if word.endswith(suffix):
            base = word[: -len(suffix)]
            for replacement in replacements:
                if base + replacement in LIGHT:
                    return base + replacement
            # stopped, planned
            if len(base) > 3 and base[-1] == base[-2] and base[:-1] in LIGHT:
                return base[:-1]
    return None


def is_light(word: str) -> bool:
    """Tell whether a word is a form of a light verb."""
    return light_base(word) is not None


# What things do by being there: alone, such a verb restricts nothing.
EXISTENTIAL = frozenset(
    root(word)
    for word in word_set(
        """
        be do have exist occur happen make place create record register store list hold keep
        contain include comprise consist issue submit enter track log document offer provide
        call name require belong locate situate describe represent serve use operate
        """
    )
)
# What ends something: never when it began, which is what a bare date tells.
ENDINGS = word_set(
    """
    leave lose die kill sink end finish close cancel expire return quit resign retire stop drop
    withdraw discharge terminate dismiss fire remove delete depart exit complete churn cease
    """
)
# That something is so now, or is so no more: as much as a condition.
STATES = word_set("still currently already yet")


def infinitive(verb: str) -> str:
    """Return the verb of an irregular form (written: write), else the word in lower case."""
    return IRREGULAR_VERBS.get(verb.lower(), verb.lower())


def base(verb: str) -> str:
    """Return the base form of a light verb's form; other words as they are."""
    return light_base(verb) or infinitive(verb)


# Nationality words that the rules below do not make.
_NATIONS = {
    "french": "france", "dutch": "netherlands", "german": "germany", "spanish": "spain",
    "greek": "greece", "swiss": "switzerland", "danish": "denmark", "swedish": "sweden",
    "finnish": "finland", "polish": "poland", "turkish": "turkey", "irish": "ireland",
    "british": "united kingdom", "english": "england", "scottish": "scotland", "welsh": "wales",
    "american": "united states", "chinese": "china", "japanese": "japan",
    "portuguese": "portugal", "norwegian": "norway", "czech": "czech republic",
    "thai": "thailand", "filipino": "philippines", "european": "europe", "asian": "asia",
    "african": "africa", "iraqi": "iraq", "pakistani": "pakistan", "peruvian": "peru",
    "canadian": "canada", "mexican": "mexico", "brazilian": "brazil", "italian": "italy",
    "russian": "russia", "korean": "korea", "indian": "india", "australian": "australia",
    "austrian": "austria", "belgian": "belgium", "hungarian": "hungary", "ukrainian": "ukraine",
    "romanian": "romania", "argentine": "argentina", "argentinian": "argentina",
    "chilean": "chile", "colombian": "colombia", "egyptian": "egypt", "nigerian": "nigeria",
    "kenyan": "kenya", "vietnamese": "vietnam", "indonesian": "indonesia",
    "malaysian": "malaysia", "singaporean": "singapore", "israeli": "israel",
    "iranian": "iran", "cuban": "cuba", "jamaican": "jamaica", "icelandic": "iceland",
}  # fmt: skip
_COUNTRY_FORMS = {
    "united states": ("usa", "us", "united states of america", "u.s.a.", "u.s."),
    "united kingdom": ("uk", "great britain", "britain", "england"),
    "netherlands": ("holland", "the netherlands"),
    "russia": ("russian federation",),
    "korea": ("south korea",),
    "usa": ("united states", "us"),
    "us": ("united states", "usa"),
    "uk": ("united kingdom",),
}
_PERSONS = {
    "female": ("f", "female", "woman", "w"),
    "male": ("m", "male", "man"),
    "woman": ("f", "female"),
    "man": ("m", "male"),
    "girl": ("f", "female"),
    "boy": ("m", "male"),
}
_FLAGS = {"yes": ("y", "yes", "t", "true", "1"), "no": ("n", "no", "f", "false", "0")}


def value_forms(phrase: str) -> tuple[str, ...]:
    """Return other spellings under which a value may be stored (French: France)."""
    nation = _NATIONS.get(phrase)
    forms = (nation, *_COUNTRY_FORMS.get(nation or "", ())) if nation else ()
    return (*forms, *_COUNTRY_FORMS.get(phrase, ()))


def person_codes(word: str) -> tuple[str, ...]:
    """Return codes that a sex or gender column may hold for a word."""
    return _PERSONS.get(word, ())


# What a verb says about the column that a value stands in.
VERB_COLUMNS = {
    "speak": frozenset({"language"}),
    "spoken": frozenset({"language"}),
    "speaking": frozenset({"language"}),
    "live": frozenset({"city", "state", "country", "address", "region"}),
    "living": frozenset({"city", "state", "country", "address", "region"}),
    "located": frozenset({"city", "state", "country", "location", "region"}),
    "born": frozenset({"birth"}),
    "major": frozenset({"major"}),
    "majoring": frozenset({"major"}),
}

# Nouns of what is done, where the verb and the noun have no root in common.
VERB_NOUNS = {
    "pay": ("payment",),
    "spend": ("payment", "purchase", "order"),
    "buy": ("purchase", "order", "sale"),
    "sell": ("sale",),
    "visit": ("visit",),
    "fly": ("flight",),
}
# What is done to numbers of things, again and again.
TRADED = word_set(
    """
    sell order ship buy purchase return deliver produce make print rent issue receive send
    distribute use consume book score
    """
)
# What is done with money is summed up, and not counted.
MONEY_VERBS = frozenset({"pay", "spend", "earn"})

# Words that change what is asked for: unread, they make any answer wrong.
OPERATORS = word_set(
    """
    ratio percentage percent proportion difference share fraction median deviation variance
    correlation trend cumulative running growth change increase decrease rank ranking rate
    consecutive compared versus vs respectively instead otherwise else except only least most
    more less than if why how predict forecast explain recommend should versus twice double half
    same common overlap similar between within previous next first last earliest latest
    """
)
