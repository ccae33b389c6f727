"""Words of which a statement takes one and leaves the others: left and right, hot and cold, winner and loser.

Where a passage says one thing of the left and another of the right, these words tell the two apart.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from bot.text.morphology import read_word

_ENGLISH: Final = """
    left|right; upper|lower; top|bottom; inner|outer; inside|outside; indoor|outdoor; front|rear back; north
    northern| south southern|east eastern|west western; morning|noon|evening|night; summer|winter|spring|autumn;
    first|last; old|new young; early|late; big large|small little; high tall|low short; long|short;
    deep|shallow; wide|narrow; thick|thin; hot|cold; warm|cool; dry|wet; hard|soft easy; strong|weak; fast|slow;
    heavy|light; dark|light bright; full|empty; open|closed; rich|poor; dear expensive|cheap; good|bad;
    better|worse; best|worst; clean|dirty; raw|cooked; male|female; man|woman; men|women; boy|girl;
    brother|sister; father|mother; son|daughter; husband|wife; parent|child; adult|child; winner|loser;
    victor|loser; buyer|seller; owner|tenant; teacher|pupil student; doctor|patient; beginner|veteran;
    import|export; income|expense spending; entrance|exit; arrival|departure; increase|decrease; rise|fall;
    more|less fewer; maximum|minimum; positive|negative; public|private; married|single; acid|alkaline;
    solid|liquid|gas; day|night; weekday|weekend; plus|minus; former|latter; war|peace; life|death;
    attack|defence; victory win|defeat loss lose; success|failure; friend|enemy; begin start|end finish;
    remember|forget; love|hate; on|off; up upward upwards upstairs|down downward downwards downstairs; above|below;
    before|after;
    earlier sooner|later; bigger larger greater|smaller; higher taller|lower shorter; longer|shorter;
    deeper|shallower; wider broader|narrower; thicker|thinner; heavier|lighter; older|younger newer; faster
    quicker|slower; hotter warmer|colder cooler; stronger|weaker; richer|poorer; cheaper|dearer costlier;
    easier|harder; brighter|darker; louder|quieter; closer nearer|farther further; safer|riskier;
    denser|thinner; cleaner|dirtier; biggest largest greatest|smallest; highest tallest|lowest shortest;
    longest|shortest; deepest|shallowest; heaviest|lightest; oldest|youngest newest; fastest quickest|slowest;
    hottest warmest|coldest coolest; strongest|weakest; richest|poorest; cheapest|dearest costliest;
    easiest|hardest; closest nearest|farthest furthest; earliest|latest; gain|lose; allow|forbid;
    buy|sell; arrive|depart; import|export; praise|criticise criticize blame; accept|refuse reject; push|pull;
    heat|cool; freeze|melt; major|minor; toxic poisonous|harmless
"""
_RUSSIAN: Final = """
    левый слева|правый справа; верхний|нижний; внутренний|внешний наружный; передний|задний; северный
    север|южный юг|восточный восток| западный запад; утро утренний|полдень|вечер вечерний|ночь ночной; лето
    летний|зима зимний|весна весенний|осень осенний; первый|последний; старый|новый молодой; ранний рано|поздний
    поздно; большой крупный|маленький малый мелкий; высокий высоко|низкий низко; длинный|короткий;
    глубокий|мелкий; широкий|узкий; толстый|тонкий; горячий жаркий|холодный; теплый|прохладный холодный;
    сухой|мокрый влажный; твердый трудный|мягкий легкий; сильный|слабый; быстрый быстро| медленный медленно;
    тяжелый|легкий; темный|светлый; полный|пустой; открытый|закрытый; богатый|бедный; дорогой|дешевый;
    хороший|плохой; чистый|грязный; сырой|вареный; мужской|женский; мужчина|женщина; мальчик|девочка;
    брат|сестра; отец|мать; сын|дочь; муж|жена; родитель|ребенок; взрослый|ребенок; победитель
    победительница|проигравший проиграть; покупатель|продавец; хозяин владелец|жилец; учитель|ученик;
    врач|больной; новичок новобранец|ветеран; ввоз импорт|вывоз экспорт; доход|расход; вход|выход;
    прибытие|отправление; увеличение рост|уменьшение снижение; больше более|меньше менее; максимум
    максимальный|минимум минимальный; положительный|отрицательный; общий|личный; твердый|жидкий|газообразный;
    включить включать включенный|выключить выключать выключенный отключить отключать отключенный; вверх кверху
    наверху сверху|вниз книзу внизу снизу; выше|ниже; раньше ранее|позже позднее; далекий далеко|близкий близко;
    плотный|разреженный; выиграть выигрывать победить побеждать|проиграть проигрывать; купить покупать|продать
    продавать; хвалить похвалить|ругать бранить критиковать; мажор|минор; ядовитый|безвредный; богатый|бедный;
    легкий|тяжелый трудный; обязательный|желательный; день дневной|ночь ночной; будни|выходной; плюс|минус;
    мир|война; жизнь|смерть; победа|поражение;
    над|под; до перед|после; вытекать|впадать втекать; успех|неудача; друг|враг; любовь|ненависть; прошлый|будущий
    следующий; начало|конец
"""


@cache
def _sides() -> dict[str, frozenset[tuple[int, int]]]:
    table: dict[str, set[tuple[int, int]]] = {}
    for number, entry in enumerate([*_ENGLISH.split(";"), *_RUSSIAN.split(";")]):
        for side, words in enumerate(entry.split("|")):
            for lemma in {lemma for word in words.split() for lemma in (word, *read_word(word).lemmas)}:
                table.setdefault(lemma, set()).add((number, side))
    return {lemma: frozenset(sides) for lemma, sides in table.items()}


@lru_cache(65536)
def contrasts_of(lemmas: frozenset[str]) -> frozenset[tuple[int, int]]:
    """The contrasts that a word is in, each with the side it takes; empty for most words.

    Args:
        lemmas: of the word (`morphology.read_word`).
    """
    table = _sides()
    return frozenset(side for lemma in lemmas for side in table.get(lemma, ()))


def are_opposite(first: frozenset[tuple[int, int]], second: frozenset[tuple[int, int]]) -> bool:
    """Whether two words take different sides of one contrast, and of none the same side.

    Args:
        first, second: what `contrasts_of` returns for each.
    """
    if first & second:
        return False
    sides = dict(second)
    return any(number in sides for number, _ in first)
