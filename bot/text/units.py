"""Units of measure and currencies: one name for every way of writing each, in Russian and English."""

from __future__ import annotations

from functools import cache
from typing import Final

from bot.text.morphology import read_word
from bot.text.words import word_set

_NAMES: Final = {
    "second": "second sec секунда сек",
    "minute": "minute min минута мин",
    "hour": "hour hr h час ч",
    "day": "day daily день сутки",
    "night": "night ночь",
    "week": "week weekly неделя нед",
    "month": "month monthly месяц мес",
    "year": "year yearly annual annually yr год лето",
    "decade": "decade десятилетие",
    "century": "century столетие век",
    "millennium": "millennium millennia тысячелетие",
    "percent": "% percent процент",
    "point": "point пункт балл очко",
    "degree": "° degree градус",
    "celsius": "°c celsius цельсий",
    "fahrenheit": "°f fahrenheit фаренгейт",
    "kelvin": "kelvin кельвин",
    "milligram": "mg milligram milligramme мг миллиграмм",
    "microgram": "µg mcg microgram мкг микрограмм",
    "gram": "g gram gramme г гр грамм",
    "kilogram": "kg kilo kilogram kilogramme кг килограмм кило",
    "centner": "centner ц центнер",
    "tonne": "t ton tonne т тонна",
    "pound": "lb lbs pound фунт £",
    "ounce": "oz ounce унция",
    "pood": "pood пуд",
    "millimetre": "mm millimetre millimeter мм миллиметр",
    "centimetre": "cm centimetre centimeter см сантиметр",
    "decimetre": "dm decimetre decimeter дм дециметр",
    "metre": "m metre meter м метр",
    "kilometre": "km kilometre kilometer км километр",
    "nanometre": "nm nanometre nanometer нм нанометр",
    "micrometre": "µm micrometre micrometer мкм микрометр микрон",
    "inch": "inch inches дюйм",
    "foot": "ft foot фут",
    "yard": "yard ярд",
    "mile": "mile миля",
    "verst": "verst верста",
    "millilitre": "ml millilitre milliliter мл миллилитр",
    "litre": "l litre liter л литр",
    "gallon": "gallon галлон",
    "teaspoon": "teaspoon tsp",
    "tablespoon": "tablespoon tbsp",
    "cup": "cup чашка",
    "hectare": "ha hectare га гектар",
    "acre": "acre акр",
    "watt": "w watt вт ватт",
    "kilowatt": "kw kilowatt квт киловатт",
    "megawatt": "mw megawatt мвт мегаватт",
    "joule": "j joule дж джоуль",
    "calorie": "cal calorie кал калория",
    "kilocalorie": "kcal kilocalorie ккал килокалория",
    "volt": "v volt в вольт",
    "ampere": "ampere amp ампер",
    "newton": "newton ньютон",
    "pascal": "pascal паскаль",
    "hertz": "hz hertz гц герц",
    "kilohertz": "khz kilohertz кгц килогерц",
    "megahertz": "mhz megahertz мгц мегагерц",
    "gigahertz": "ghz gigahertz ггц гигагерц",
    "bit": "bit бит",
    "byte": "byte байт",
    "kilobyte": "kb kilobyte кб килобайт",
    "megabyte": "mb megabyte мб мегабайт",
    "gigabyte": "gb gigabyte гб гигабайт",
    "terabyte": "tb terabyte тб терабайт",
    "dollar": "$ usd dollar доллар",
    "euro": "€ eur euro евро",
    "sterling": "gbp sterling стерлинг",
    "rouble": "₽ rub rouble ruble руб р рубль",
    "kopeck": "kopeck коп копейка",
    "cent": "cent цент",
    "yuan": "yuan cny юань",
    "yen": "yen jpy йена иена",
    "franc": "franc chf франк",
    "crown": "crown крона",
}
_ONLY_AFTER_NUMBERS: Final = word_set(
    "h m g t l v w j c в г гр ч м т л р ц кал нед мес мин сек min sec cal point cup foot pound"
)
"""Names that are other words too, or letters."""

_IMPLIED_WORDS: Final = {
    "temperature point температура точка": "degree celsius fahrenheit kelvin",
    "price cost sum amount цена стоимость сумма": "dollar euro sterling rouble kopeck cent yuan yen franc crown",
    "time duration время длительность продолжительность": "second minute hour",
}
"""Words that a unit says already: the temperature of 5 degrees."""


def _table() -> dict[str, str]:
    table = {}
    for unit, names in _NAMES.items():
        for name in names.split():
            table[name] = unit
            for lemma in read_word(name).lemmas if name.isascii() and len(name) > 2 else ():
                table.setdefault(lemma, unit)
    return table


_UNITS: Final = _table()
_FORMS_OF_YEAR: Final = frozenset(("лет", "летия"))
UNIT_SIGNS: Final = "%°€$£₽"
"""Signs that are units by themselves."""
_COMPATIBLE: Final = (
    frozenset(("degree", "celsius")),
    frozenset(("degree", "fahrenheit")),
    frozenset(("pound", "sterling")),
)


def unit_of(word: str, *, after_number: bool) -> str | None:
    """The unit that a word names, by its English name; None for other words.

    Args:
        word: folded.
        after_number: whether a number stands before it: "m" and «г» are units only there.
    """
    if word in _ONLY_AFTER_NUMBERS and not after_number:
        return None
    if word in _FORMS_OF_YEAR:
        return "year"
    if word in _UNITS:
        return _UNITS[word] if word != "лето" else None
    lemmas = read_word(word).lemmas
    return next((_UNITS[lemma] for lemma in lemmas if lemma in _UNITS and lemma != "лето" and (len(lemma) > 2)), None)


def same_unit(first: str, second: str) -> bool:
    """Whether two units are one, or one of them says the other less exactly: degrees, degrees Celsius."""
    return first == second or any({first, second} <= pair for pair in _COMPATIBLE)


@cache
def _implied() -> dict[str, frozenset[str]]:
    return {
        lemma: frozenset(units.split())
        for words, units in _IMPLIED_WORDS.items()
        for word in words.split()
        for lemma in read_word(word).lemmas
    }


def implying_units(lemmas: frozenset[str]) -> frozenset[str]:
    """The units that say a word already, and which a statement with a number need not name it beside.

    Args:
        lemmas: of the word.
    """
    table = _implied()
    return frozenset(unit for lemma in lemmas for unit in table.get(lemma, ()))
