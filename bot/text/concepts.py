"""Words of one meaning in Russian and English: attributes of a person, and the people around them.

A fact and the message that said it often use other words: a PIN and a code, «мама» and "mother". Each line of a table
is one meaning. Only words that people use for facts about themselves are here; all others are compared by their stems.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from bot.text.morphology import inflected_forms
from bot.text.words import fold, stem


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RELATIVES: Final[dict[str, str]] = {
    "mother": "mother mom mum mommy mama mam мать мама мамочка мамуля матушка",
    "father": "father dad daddy papa отец папа папочка батя",
    "wife": "wife жена супруга",
    "husband": "husband муж супруг",
    "partner": "partner fiance fiancee girlfriend boyfriend девушка парень невеста жених партнер партнерша",
    "son": "son сын сынок",
    "daughter": "daughter дочь дочка доченька",
    "child": "child children kid kids baby ребенок дети малыш",
    "brother": "brother brothers брат братья братишка",
    "sister": "sister sisters сестра сестры сестренка",
    "grandmother": "grandmother grandma granny бабушка бабуля",
    "grandfather": "grandfather grandpa granddad дедушка дед",
    "aunt": "aunt auntie тетя тетка",
    "uncle": "uncle дядя дядька",
    "cousin": "cousin cousins кузен кузина",
    "nephew": "nephew племянник",
    "niece": "niece племянница",
    "parents": "parents родители",
    "friend": "friend friends buddy друг друзья подруга подружка приятель приятельница товарищ",
    "neighbour": "neighbour neighbor neighbours neighbors сосед соседка соседи",
    "colleague": "colleague colleagues coworker co-worker коллега коллеги сослуживец",
    "boss": "boss manager начальник начальница шеф босс",
    "in-law": "mother-in-law father-in-law sister-in-law brother-in-law теща тесть свекровь свекор зять невестка",
    "roommate": "roommate flatmate housemate",
    "client": "client customer patient student клиент клиентка пациент пациентка ученик ученица",
}
"""People around a person, by relation."""

SINGLE_RELATIVES: Final = frozenset(("mother", "father", "wife", "husband", "partner", "boss"))
"""Relations of which a person mostly has one."""

ANIMALS: Final[dict[str, str]] = {
    "dog": "dog puppy собака пес песик щенок",
    "cat": "cat kitty kitten кот кошка котик котенок",
    "horse": "horse лошадь конь",
    "parrot": "parrot попугай",
    "hamster": "hamster хомяк",
    "rabbit": "rabbit кролик",
    "pet": "pet питомец",
}

_ATTRIBUTES: Final[dict[str, str]] = {
    "code": "pin code passcode password combination combo пин код пин-код пинкод кодик пароль комбинация шифр",
    "phone": "phone telephone mobile cell cellphone телефон мобильный мобильник сотовый тел",
    "number": "number номер",
    "mail": "mail email e-mail почта мейл имейл емейл",
    "address": "address адрес",
    "home": "live lives living lived reside resides residing home house жить живу живет живешь живем живете живут жил"
    " жила жили проживаю проживает проживать дом дома домой",
    "flat": "flat apartment apt квартира кв",
    "move": "move moves moved moving relocate relocated переехать переехал переехала переезжаю перебраться перебрался"
    " перебралась",
    "work": "work works working worked job employed employer работа работаю работает работать работал работала"
    " трудиться тружусь устроился устроилась",
    "doctor": "doctor physician gp therapist врач доктор терапевт",
    "landlord": "landlord landlady арендодатель хозяин хозяйка",
    "trainer": "trainer coach тренер",
    "vet": "vet veterinarian ветеринар",
    "hairdresser": "hairdresser barber парикмахер",
    "nanny": "nanny babysitter няня",
    "study": "study studies studying studied учусь учится учился училась учеба студент студентка",
    "dentist": "dentist стоматолог дантист",
    "name": "name named names called call имя зовут звать называть называют кличка",
    "birth": "birthday birth born birthdate рождение родился родилась родиться исполнится исполнилось исполняется",
    "weight": "weigh weighs weight вес вешу весит весить весил весила",
    "height": "height tall рост",
    "drive": "drive drives driving вожу водит езжу ездит",
    "car": "car auto automobile машина авто автомобиль тачка",
    "bicycle": "bicycle bike велосипед велик",
    "garage": "garage гараж",
    "lock": "lock padlock замок",
    "door": "door дверь",
    "gate": "gate ворота калитка",
    "safe": "safe сейф",
    "key": "key keys ключ ключи",
    "locker": "locker шкафчик",
    "bank": "bank банк",
    "card": "card карта карточка",
    "account": "account счет аккаунт",
    "passport": "passport паспорт",
    "allergy": "allergy allergic allergies аллергия аллергик аллергичный",
    "nut": "nut nuts орех орехи",
    "peanut": "peanut peanuts арахис",
    "asthma": "asthma asthmatic астма астматик",
    "diabetes": "diabetes diabetic диабет диабетик",
    "pregnant": "pregnant pregnancy беременна беременная беременность",
    "headache": "headache мигрень migraine migraines",
    "epilepsy": "epilepsy epileptic эпилепсия эпилептик",
    "hypertension": "hypertension hypertensive гипертония гипертоник",
    "cancer": "cancer tumour tumor oncology рак опухоль онкология",
    "depression": "depression depressed депрессия",
    "anxiety": "anxiety anxious тревожность",
    "hepatitis": "hepatitis гепатит",
    "hiv": "hiv aids вич спид",
    "gastritis": "gastritis гастрит",
    "ulcer": "ulcer язва",
    "arthritis": "arthritis артрит",
    "psoriasis": "psoriasis псориаз",
    "eczema": "eczema экзема",
    "autism": "autism autistic аутизм аутист",
    "adhd": "adhd сдвг",
    "bipolar": "bipolar биполярка биполярный",
    "insomnia": "insomnia бессонница",
    "anaemia": "anaemia anemia anaemic анемия",
    "scoliosis": "scoliosis сколиоз",
    "hernia": "hernia грыжа",
    "stroke": "stroke инсульт",
    "infarct": "infarction инфаркт",
    "thyroid": "thyroid щитовидка щитовидный",
    "celiac": "celiac coeliac целиакия",
    "lactose": "lactose лактоза",
    "gluten": "gluten глютен",
    "surgery": "surgery operation операция",
    "therapy": "therapy psychotherapy психотерапия терапия",
    "knee": "knee knees колено колени",
    "back": "spine спина",
    "heart": "heart сердце",
    "pain": "pain hurt hurts ache aches aching sore боль болит болят болеть болел болела",
    "medicine": "medicine medication pill pills лекарство таблетка таблетки",
    "take": "take takes taking took принимать принимаю принимает принимал принимала пить пью пьет пил",
    "vegetarian": "vegetarian vegan вегетарианец вегетарианка веган веганка",
    "salary": "salary wage wages earn earns earning income paid зарплата оклад зарабатываю зарабатываешь зарабатывает"
    " получаю доход",
    "money": "money деньги",
    "debt": "debt owe owes owed borrowed lent долг должен должна занял заняла одолжил одолжила вернуть",
    "loan": "loan mortgage кредит ипотека",
    "age": "age years-old возраст",
    "married": "married marry marries женат замужем женился женилась поженились замуж",
    "single": "single unmarried холост холостой незамужем",
    "widowed": "widowed widow widower вдова вдовец овдовел овдовела",
    "engaged": "engaged fiance помолвлен помолвлена",
    "divorced": "divorce divorced divorcing развод разведен разведена развелся развелась разводимся разводиться"
    " развожусь развелись",
    "wedding": "wedding свадьба женюсь женимся",
    "school": "school школа",
    "university": "university college университет институт вуз",
    "nurse": "nurse nursing медсестра медбрат",
    "accountant": "accountant bookkeeper accounting bookkeeping бухгалтер бухгалтерия",
    "cook": "cook chef повар",
    "driver": "driver водитель шофер",
    "designer": "designer дизайнер",
    "scientist": "scientist ученый",
    "teacher": "teacher учитель учительница преподаватель",
    "engineer": "engineer инженер",
    "programmer": "programmer developer coder программист разработчик",
    "lawyer": "lawyer attorney юрист адвокат",
    "boat": "boat лодка катер",
    "guitar": "guitar гитара",
    "like": "like likes love loves adore enjoy люблю любит нравится обожаю обожает",
    "hate": "hate hates dislike ненавижу ненавидит терпеть",
    "favourite": "favourite favorite любимый любимая любимое",
    "smoke": "smoke smokes smoking курю курит курить",
    "drink": "alcohol алкоголь",
    "train": "training workout тренировка",
    "marathon": "marathon марафон",
    "meeting": "meeting appointment встреча прием",
    "wifi": "wifi wi-fi wi fi вайфай вай-фай",
    "flight": "flight рейс перелет",
    "hotel": "hotel отель гостиница",
    "street": "street st улица ул",
    "avenue": "avenue ave проспект пр-т",
    "city": "city town город",
    "country": "country страна",
    "office": "office офис",
    "secret": "secret секрет тайна",
    "open": "open opens opened unlock unlocks открывать открыть открывается",
}

ROLES: Final = frozenset((
    "doctor", "dentist", "teacher", "lawyer", "landlord", "trainer", "vet", "hairdresser", "nanny", "therapist",
))  # fmt: skip
"""Whom a person may call theirs by what they do."""
HEALTH: Final = frozenset((
    "allergy", "asthma", "diabetes", "pregnant", "headache", "epilepsy", "hypertension", "cancer", "depression",
    "anxiety", "hepatitis", "hiv", "gastritis", "ulcer", "arthritis", "psoriasis", "eczema", "autism", "adhd",
    "bipolar", "insomnia", "anaemia", "scoliosis", "hernia", "stroke", "infarct", "thyroid", "celiac",
))  # fmt: skip
"""Meanings that say the same of a person in whatever sentence they claim them."""

SUPPORTS: Final[dict[str, frozenset[str]]] = {
    "mail": frozenset(("address",)),
    "phone": frozenset(("number",)),
    "home": frozenset(("address", "flat", "city")),
    "move": frozenset(("home",)),
    "drive": frozenset(("car",)),
    "wedding": frozenset(("married",)),
    "code": frozenset(("number", "open")),
}
"""Meanings that stand for another beside a value: «мой номер» and "my phone" before the same digits."""

_LIGHT_WORDS: Final = _words("""
    get gets getting got go goes going gone went come comes came come make makes made keep keeps kept put puts use uses
    used using own owns owned belong belongs need needs want wants know knows knew think thinks thought say says said
    tell tells told remember remembers note please mean means way thing things lot bit kind sort really very just also
    still already always ever even now today currently actually anyway quite rather too well ok okay yes hi hello hey
    thanks thank let suffer suffers suffering ill sick diagnosed diagnosis disease anyone anybody someone somebody
    everyone nobody lets set sets us our btw fyi there here day days time times new next last current
    есть имею имеет имеем быть стало стал стала это вот уже еще очень просто также тоже пока сейчас теперь сегодня
    кстати вообще конечно пожалуйста спасибо привет здравствуйте знаю знаешь знает хочу хочет надо нужно можно помни
    запомни запиши говорю говорит сказал сказала скажи думаю значит ну да нет вроде всегда всего самый новый новая новое
    нынешний свой вещь раз дело мол короче далее затем болен больна болеет болею страдаю страдает диагноз заболевание
    поставили детства детстве childhood monthly yearly ежемесячно sorry meant извини извините виду
    имел имела
""")
"""Words that carry nothing of a fact beside the others; folded."""


@lru_cache(1)
def _concept_by_stem() -> dict[str, str]:
    return {
        stem(fold(word)): concept
        for table in (_ATTRIBUTES, ANIMALS, RELATIVES)
        for concept, words in table.items()
        for word in words.split()
    }


@lru_cache(1)
def _concept_by_word() -> dict[str, str]:
    return {
        fold(word): concept
        for table in (_ATTRIBUTES, ANIMALS, RELATIVES)
        for concept, words in table.items()
        for word in words.split()
    }


@lru_cache(1)
def _concept_by_form() -> dict[str, str]:
    """All forms of the Russian words, such as псом of пёс, whose stems differ."""
    return {form: concept for word, concept in _concept_by_word().items() for form in inflected_forms(word)}


@lru_cache(65536)
def concept_of(word: str) -> str | None:
    """The meaning of a word that is in the tables in some form; None for all others.

    Args:
        word: folded.
    """
    word = word.removesuffix("'s")
    return _concept_by_word().get(word) or _concept_by_form().get(word) or _concept_by_stem().get(stem(word))


@lru_cache(1024)
def words_of(concept: str) -> tuple[str, ...]:
    """All words of a meaning and of those that stand for it; folded."""
    near = {concept, *SUPPORTS.get(concept, ()), *(other for other, for_ in SUPPORTS.items() if concept in for_)}
    return tuple(word for word, own in _concept_by_word().items() if own in near)


def relative_of(word: str) -> str | None:
    """The relation that a word names, such as `mother`; None if it names none.

    Args:
        word: folded.
    """
    concept = concept_of(word)
    return concept if concept in RELATIVES else None


def is_light(word: str) -> bool:
    """Whether a word carries nothing of a fact beside the others.

    Args:
        word: folded.
    """
    return word in _LIGHT_WORDS
