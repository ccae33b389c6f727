"""Words that say how much, when or how well, and not of what. Russian and English."""

from __future__ import annotations

from typing import Final

from bot.text.words import stem, word_set

LIGHT_STEMS: Final = frozenset(
    map(
        stem,
        word_set("""
            often long many much fast quick quickly slow slowly soon late early far high low big small little few half
            first last next start begin stop finish end go going come get getting got take make do doing done work works
            help helps need want try use know mean means happen happens tell say explain give show find keep feel think
            look see wait cost learn count matter change
            safe dangerous harmful bad good better best worse worst ok okay fine normal right wrong true false enough
            possible important necessary useful useless worth real sure exactly really actually even ever always
            sometimes usually maybe soon only just almost else another other different similar hard easy easier harder
            difficult simple simpler please instead anything something
            exercise exercises thing things way ways part kind type sort example reason mistake mistakes rule step steps
            number amount time times day days week weeks month months year years hour hours minute minutes second
            seconds today tomorrow daily weekly
            часто долго много мало быстро медленно скоро рано поздно далеко сильно легко трудно сложно просто тяжело
            первый первое первым сначала сперва потом снова начать начинать закончить остановиться делать сделать идти
            взять помогает поможет помочь работает работать нужно надо хотеть пробовать попробовать знать понять значит
            происходит случится сказать дать показать найти держать чувствовать думать ждать стоит
            безопасно опасно опасен вредно вреден вредна полезно полезен полезна плохо хорошо лучше хуже нормально
            правильно верно правда достаточно хватит хватает возможно важно обязательно точно действительно всегда
            иногда обычно упражнение упражнения вещь способ часть вид пример причина ошибка ошибки правило шаг число
            количество раз раза время день дня дней дни неделя неделю недели недель месяц месяца месяцев год года лет
            час часа часов минута минуты минут секунд сегодня завтра ежедневно другой другое
        """),
    )
)
"""Stems of words that ask how much, when, in what order or how well, and do not say of what."""
