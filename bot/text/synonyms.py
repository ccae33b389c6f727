"""Words that say the same in most statements: a rewording with them is still supported.

A word is here only if its partners can take its place without changing what is claimed. Kinds of one thing are not
synonyms (a runner is no swimmer), and neither are degrees of it (warm is not hot).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from bot.text.morphology import read_word

_ENGLISH: Final = """
    say state report according tell; begin start commence onset beginning; end finish conclude ending; stop
    cease halt quit; buy purchase acquire; sell sale; big large great huge; small little tiny; fast quick rapid
    swift; fast quickly rapidly swiftly; slow slowly; travel move go propagate; move relocate transfer shift;
    get receive obtain earn gain; win beat defeat overcome; pay cost price charge; cost worth price; cheap
    inexpensive; costly expensive dear; rise grow increase climb go-up; growth increase rise; fall drop decrease
    decline; reduce lower cut decrease; show demonstrate reveal display indicate; help aid assist assistance;
    help useful beneficial; need require want demand; use utilise utilize employ apply; use usage; make produce
    create manufacture; build construct erect construction; build building; found establish create set-up;
    foundation founding; found founder; destroy ruin demolish; collapse fall-down; fix repair mend; repair
    restoration renovation refurbishment; begin launch open; close shut; closed shut closure; open opening;
    reach arrive come get arrival; leave depart departure; leave quit; live reside inhabit dwell; live alive;
    die perish; die death dead; born birth; marry wed marriage; give provide supply offer; give hand; take carry
    bring; keep retain hold maintain preserve; hold contain fit accommodate; contain include comprise; consist
    compose comprise; have possess own; own owner possess; owner proprietor landlord; tenant lodger renter; stay
    remain; happen occur take-place; call ring phone telephone; call name term; named called; speak talk; tell
    say; answer reply respond response; ask inquire question; see notice observe; look watch; find discover;
    find locate; lose loss; choose select pick choice; select selection; try attempt; teach instruct educate;
    teach teacher; teach teaching; learn study; study research investigate; think believe consider; know aware;
    write author; writer author; read reading; sleep asleep slumber; sleep sleeping; wake awake waken woke; rest
    relax recover; rest resting; recover recovery; train exercise workout practice practise; training exercise;
    run jog running; walk stroll walking; swim swimming; ride riding; eat consume food; eat eating; drink
    drinking; cook prepare; bake baking; boil boiling; freeze freezing; melt melting; add put addition; mix
    combine stir blend; whisk beat; heat ing; cool chill cooling; water irrigate; plant sow; lay deposit; hunt
    hunting prey; child kid; children kids; baby infant newborn; man male; woman female; people persons
    individuals; person individual human; adult grown-up; doctor physician; sick ill unwell; illness disease
    sickness ailment; drug medicine medication; dose dosage; pain ache; pain painful; hurt injure; injury
    trauma; dizzy giddy; pressure tension; heart cardiac; home house; home domestic; road way path route; street
    road; car automobile; bike bicycle; ship boat vessel; plane aircraft airplane; picture image photo; film
    movie; job work occupation; firm company business; money cash funds; fee charge payment; salary wage pay;
    rent rental; country state nation; city town; war conflict; army troops military; peace peaceful; king
    monarch; law rule regulation; allow let permit; forbid prohibit ban; agree consent agreement; consent
    permission approval; warn notify notice; notice notification; high height tall; long length; wide width
    broad; deep depth; thick thickness; heavy weight weigh; old age; aged old; hot heat; strong strength; strong
    powerful; weak feeble; weak weakness; hard difficult; difficult difficulty; easy simple easily; important
    significant key; main chief principal primary; entire whole full total; near close nearby; far distant;
    around about surround; roughly approximately about; exact precise; right correct; true truth; quiet silent
    calm; loud noisy; bright light; dark darkness; empty vacant; clean pure; dirty soiled; rich wealthy wealth;
    poor poverty; happy glad happiness; sad unhappy; angry anger; brave courageous courage; clever smart
    intelligent; stupid foolish; new fresh; recent recently lately; last previous past; next following; early
    beginning start; late end; annual yearly; year annual; daily day; day daily; week weekly; month monthly;
    hour hourly; night nightly; morning mornings; evening evenings; midday noon; forever always; frequently
    often; rarely seldom; quickly soon; immediately instantly; again anew; together jointly along; alone solo;
    also too; part portion share; share proportion; piece bit; amount quantity number volume; amount sum total;
    half fifty-percent; pair two couple; double twice twofold doubled; triple threefold; dozen twelve; surpass
    exceed outstrip; exceed above; equal same identical; different distinct; difference differ; similar alike;
    replace substitute; change alter modify; change variation; remove delete eliminate; remove removal; turn
    become; turn switch; send dispatch ship; receive get; meet encounter; meet meeting; fight battle; attack
    assault; defend defence defense protect; protect guard protection; save rescue; cause lead-to bring-about;
    cause reason; result outcome consequence; effect influence impact; influence affect; goal aim purpose
    objective; plan schedule; method way technique; means way; kind type sort; example instance; problem issue
    trouble; mistake error; danger risk hazard; dangerous hazardous unsafe; safe safety secure; health healthy;
    nutrition diet food; protein proteins; liquid fluid; gas gaseous; colour color hue; blue bluish; speed
    velocity pace; sound noise; electricity electric; ground soil earth; sea ocean; river stream; forest wood
    woods woodland; hill mount; rock stone; tree trees; animal beast; bird birds; egg eggs; leader head chief;
    head boss; manager head; coach trainer instructor; pupil student; school college; lesson class; class lesson
    session; match game; game play; final finals; winner victor champion; victory win; loser defeated; prize
    award reward; record note; note write-down record; diary journal; ledger book; notebook exercise-book;
    author writer; poem verse; music musical; perform performance play; perform stage premiere; symphony
    symphonic; paint painting; publish issue release; invent invention; discover discovery; measure measurement;
    count number; calculate compute; determine establish; compare comparison; divide split; join unite merge;
    separate split; connect link attach; lead go run; staircase stairs stairway; lift elevator; flat apartment;
    floor storey; entry entrance; exit way-out; court yard courtyard; wall walls; tower towers; stock warehouse;
    pack package packet; product item goods; originate come from origin; origin country source; border boundary;
    population inhabitants residents; inhabitant resident; approximately roughly; free gratis free-of-charge;
    leave exit; restart reboot; store keep save; fall autumn; ear hearing; feel sense; feeling sensation; wish
    desire want; like enjoy love; hate dislike; allow enable; appear emerge; disappear vanish; finish complete;
    complete completely; fully completely entirely; suddenly abruptly; gradually steadily; usually normally;
    mainly mostly chiefly; specially especially particularly; fewer less; bigger larger greater; biggest largest
    greatest; faster quicker; fastest quickest; closer nearer; farther further; higher taller; highest tallest;
    earlier sooner; simpler easier; smart clever; quicker sooner; participate part join attend; advise recommend
    suggest; advice recommendation; forbid prohibit ban disallow; refuse reject decline; accept approve; obtain
    acquire get; require need; charge fee; pay payment; sum amount; free gratis; expire lapse; terminate cancel
    end; cancel abort; contract agreement; sign signature signing; tenant renter; deposit pledge; harm damage
    injure; harmful damaging; damage loss; store keep save; storage storing; remove take-out; delete erase; copy
    duplicate; overwrite replace; print output display; show print; run execute; execution run; fail crash;
    error fault; option flag switch; setting option; folder directory; backup copy; default standard; version
    release; stir mix; simmer cook; chop cut; peel skin; pour add; dish meal; vegetable vegetables; rash
    eruption; tablet pill; swallow take; administer give; appear occur arise develop; vanish disappear; symptom
    sign; treatment therapy; cure heal; patient sufferer; physician doctor; pregnant expecting; nurse
    breastfeed; bus coach; departure leaving; platform track; ticket fare; traveller passenger traveler; journey
    trip; trip tour; route line; harbour port harbor; fort fortress; fortress stronghold; monument memorial;
    architect designer; design plan; collapse crumble cave; flood inundation; fire blaze; burn fire; storm gale;
    win triumph; lead head; team side; coach manager; beat defeat; draw tie; champion winner; medal award; race
    run; athlete sportsman; jump leap; score result; sell vend; awake up; wake rise; call telephone; village
    hamlet; moon satellite; planet world; orbit circle revolve; insect bug; fly flight; hunt prey; leaf leaves;
    flower bloom blossom; seed grain; root roots; bed plot; fertilizer fertiliser manure; yellow yellowish;
    export shipment; unemployment jobless; inflation price-rise; slow decelerate; quicken accelerate; bank
    lender; loan credit; tax duty; entry admission entrance; admission access; student scholar; weekday workday;
    guest visitor; visit call; tourist visitor; effect impact; strongest greatest; weakest least; remember
    recall recollect; forget omit; volunteer participant; experiment trial study test; test examine check; check
    verify inspect; confirm verify prove; prove show; believe think; belief opinion; critic reviewer; review
    criticism; praise laud acclaim commend; ignore overlook neglect disregard; book volume; chapter section;
    novel story; publish issue print; translate translation; glove gloves; goggles glasses; bottle flask;
    upright vertical; gas vapour vapor fume; poisonous toxic; melt fuse; conduct conductor conductive; dissolve
    solution; metal metallic; snow snowfall; northwest northwestern; southwest southwestern; northeast
    northeastern; southeast southeastern; weight mass; session workout; lifter weightlifter; beginner novice
    newcomer; advanced experienced; violin fiddle; customer client buyer; discount reduction rebate; transfer
    remittance; album record; persuade convince; wish want; burn scorch; guard watch; soldier troop; invade
    conquer; conquer capture take seize; besiege siege; surrender capitulate; flee escape; rule reign govern;
    ruler sovereign monarch; throne crown; heir successor; succeed follow; found establish; church congregation;
    sail navigate; discover find detect; invent devise; measure gauge; calculate compute; estimate assess;
    observe watch; describe depict; explain clarify; mention name; emphasise stress highlight; argue contend;
    discuss debate; decide resolve; plan intend; hope wish; fear dread; tired weary exhausted; hungry starving;
    cheap low-cost; wonderful great; awful terrible; odd strange weird; famous well-known renowned; unknown
    obscure; common widespread; rare scarce uncommon; necessary essential needed; sufficient enough; additional
    extra further; complete full; initial first; final last; whole entire; single sole; several some; permanent
    lasting; temporary brief short; brief short; accurate precise exact; approximate rough; possible feasible;
    shut close; fasten secure tie; attach fix fasten; separate divide split; gather collect assemble; spread
    distribute; throw cast; carry transport convey; deliver bring supply; lift raise; raise increase; drop fall
    sink; press push; turn rotate spin; cover coat; fill load; wash clean rinse; wet damp moist; shine glow;
    break fracture; crack split; tear rip; hit strike; bite sting; feed nourish; grow cultivate; harvest crop;
    breed raise rear; inhabitant resident; population people; neighbour neighbor; colour color; centre center;
    programme program; kilometre kilometer; grey gray; autumn fall; lorry truck; petrol gasoline; flat
    apartment; lift elevator; holiday vacation; football soccer
"""
_RUSSIAN: Final = """
    начать начинать начаться начинаться начало; кончить кончать закончить заканчивать закончиться заканчиваться
    конец окончание завершить завершиться завершение; прекратить прекращать остановить остановиться перестать;
    купить покупать приобрести приобретать покупка; продать продавать продажа; большой крупный огромный;
    маленький малый небольшой мелкий; быстрый скорый быстро скоро; медленный медленно; двигаться перемещаться
    распространяться; переехать переезжать переместиться перевести переезд перебраться; получить получать
    заработать зарабатывать; обыграть победить выиграть одолеть победа; победитель победительница; стоить цена
    стоимость; дешевый недорогой; дорогой дорого; расти вырасти возрасти возрастать увеличиться увеличиваться
    повыситься повышаться подняться подниматься рост увеличение повышение; падать упасть уменьшиться уменьшаться
    снизиться снижаться понизиться понижаться сократиться сокращаться снижение уменьшение падение; увеличить
    увеличивать повысить повышать; уменьшить уменьшать снизить снижать сократить сокращать; показать показывать
    продемонстрировать демонстрировать; помогать помочь помощь; полезный польза; вредный вред вредить;
    использовать применять употреблять использование применение; сделать делать изготовить производить; создать
    создавать основать учредить; основать основание; построить строить возвести постройка строительство;
    разрушить разрушать уничтожить; обрушиться рухнуть обвалиться; чинить ремонтировать починить отремонтировать
    ремонт; закрыть закрывать закрытый закрыться закрываться закрытие; открыть открывать открытый открыться
    открываться открытие; прийти приходить прибыть прибывать приехать приезжать прибытие; уйти уходить покинуть
    покидать; уехать уезжать отправиться отправляться отбыть отправление отъезд; выезд выехать съехать; жить
    проживать обитать; умереть умирать скончаться смерть; родиться рождаться рождение; дать давать предоставить;
    взять брать; нести носить; везти возить провозить провоз перевозить; держать хранить сохранять; вмещать
    вместить содержать вместимость; включать содержать; иметь обладать владеть; владелец хозяин собственник;
    жилец арендатор квартирант наниматель; остаться оставаться; случиться случаться произойти происходить;
    позвонить звонить звонок; назвать называть называться имя название; сказать говорить рассказать
    рассказывать; ответить отвечать ответ; спросить спрашивать вопрос; увидеть видеть заметить; смотреть
    глядеть; найти находить обнаружить; потерять терять потеря; выбрать выбирать выбор; пытаться попытаться
    стараться; учить преподавать обучать преподавание обучение; учитель преподаватель; учиться изучать изучение;
    исследовать изучать исследование; знать знание; написать писать; читать прочитать чтение; спать сон поспать;
    проснуться просыпаться пробуждение; заснуть засыпать уснуть; отдыхать отдохнуть отдых; восстановиться
    восстанавливаться восстановление; тренировка тренироваться занятие упражнение; занятие заниматься урок;
    упражнение упражняться; бегать бежать пробежать бег; ходить идти пройти ходьба; гулять прогулка; плавать
    плыть плавание; есть кушать съесть съедать; пить выпить питье; готовить приготовить приготовление; печь
    выпекать испечь выпечь выпечка; варить сварить варка; кипеть вскипать кипение закипать; замерзать замерзнуть
    замерзание; таять растаять таяние; плавиться плавление; добавить добавлять класть положить; смешать
    смешивать перемешать смесь; нагреть нагревать нагреться нагреваться нагрев нагревание; охладить охлаждать
    охладиться охлаждаться охлаждение; поливать полить полив; сажать посадить высаживать посадка; откладывать
    отложить класть; охотиться охота; ребенок дитя; дети ребята; младенец грудничок; человек люди; взрослый
    совершеннолетний; врач доктор медик; больной пациент; болезнь заболевание недуг; лекарство препарат
    медикамент; доза дозировка; боль болеть; травма повреждение; назначить назначать прописать принимать;
    давление напор; сердце сердечный; дом здание; дорога путь; улица дорога; машина автомобиль; велосипед велик;
    корабль судно; самолет лайнер; снимок фотография фото; фильм кино; работа труд; фирма компания предприятие;
    хозяйство ферма; деньги средства; взнос плата платеж; платить оплачивать оплата заплатить уплатить; зарплата
    жалование оклад; страна государство; город городской; война военный; войско армия; закон правило; согласие
    разрешение; предупредить предупреждать уведомить известить; высокий высота высоко; длинный длина; широкий
    ширина; глубокий глубина; толстый толщина; тяжелый вес тяжесть; весить вес; старый возраст; горячий жаркий;
    сильный сила мощный; слабый слабость; трудный сложный тяжелый; легкий простой легко; важный значимый;
    главный основной; весь целый полный; близкий близко рядом около; далекий далеко; точный точно ровно;
    правильный верный; тихий спокойный; громкий шумный; светлый яркий; пустой пустовать; чистый чистота; богатый
    богатство; бедный бедность; счастливый счастье; печальный грустный; смелый храбрый мужественный; мужество
    смелость храбрость; умный разумный; глупый глупость; новый свежий; недавно недавний; прошлый минувший
    предыдущий; следующий последующий; начало ранний; ежегодный ежегодно годовой; ежедневный ежедневно;
    еженедельный еженедельно; ежемесячный месячный; утро утренний утром; вечер вечерний вечером; ночь ночной
    ночью; день дневной днем; полдень полуденный; лето летний летом; зима зимний зимой; осень осенний осенью;
    весна весенний весной; часто частый; редко редкий; сразу немедленно тотчас; снова опять вновь; вместе
    совместно; один одиночку; часть доля; кусок часть; количество число объем; сумма итог; половина пол; удвоить
    удваивать вдвое двойной; утроить втрое тройной; превысить превышать превзойти; равный равняться одинаковый;
    разный различный; отличие различие отличаться различаться; похожий сходный; заменить заменять замена;
    изменить менять изменение меняться измениться; убрать убирать удалить удалять; стать становиться
    превратиться превращаться; обратиться обращаться; послать отправить отправлять; встретить встретиться
    встречать встреча; сражаться биться битва сражение; напасть нападать атака нападение; защитить защищать
    защита; спасти спасать; причина вызвать вызывать; результат итог следствие; влиять влияние воздействие; цель
    задача; план расписание; способ метод прием; вид тип род; пример образец; проблема трудность; ошибка
    погрешность; опасность риск; опасный опасность рискованный; безопасный безопасность; здоровье здоровый;
    питание еда пища; белок протеин белковый; жидкость жидкий; цвет окраска; скорость темп; звук шум; энергия
    энергетический; земля почва грунт; море морской; река речной; лес лесной; гора холм; камень каменный;
    животное зверь; птица пернатый; глава начальник руководитель; тренер наставник; ученик воспитанник; студент
    учащийся; матч игра; финал финальный; приз награда премия; проигравший проигравшая проиграть; запись
    записать записывать; дневник журнал; тетрадь тетрадка; писатель автор; стих стихотворение; музыка
    музыкальный; исполнить исполнять исполнение; картина полотно; издать опубликовать издание выйти; изобрести
    изобретать изобретение; мерить измерять измерить измерение; считать посчитать сосчитать подсчитать; сравнить
    сравнивать сравнение; делить разделить; соединить соединять; вести приводить; лестница ступени; лифт
    подъемник; квартира жилье; этаж ярус; вход войти входить; выход выйти выходить; двор дворик; мостить
    вымостить замостить; склад хранилище; товар продукт изделие; население жители; житель обитатель; бесплатный
    бесплатно даром; перезапустить перезапускаться перезапуск перезагрузиться перезагружаться; поезд состав;
    автобус маршрут; ездить ехать; чувствовать ощущать; чувство ощущение; хотеть желать желание; любить
    нравиться; появиться появляться возникнуть; исчезнуть пропасть; полностью целиком совершенно; внезапно
    вдруг; постепенно понемногу; обычно как-правило; особенно преимущественно; длиться продолжаться занимать
    длительность продолжительность; средство лекарство; рано ранний; поздно поздний; глубина глубокий;
    расстояние дистанция; распространенный распространенность; младенческий младенец; наличный наличные;
    почечный почка; бегун бегунья; поднимать поднять подъем; успокоить успокаивать; запустить запускать запуск;
    работать открытый открыть; размер величина; использоваться применяться; носить называться; располагаться
    находиться расположить; подешеветь дешевле удешевление; подорожать дороже подорожание; платный платно; ввоз
    импорт; вывоз экспорт; зал спортзал; воспитать воспитывать; сообщить сообщать; младший младше; старший
    старше; меньший меньше; менее меньше; более больше; появиться появляться появление; образоваться возникнуть
    появиться сформироваться образование; возникновение возникать возникнуть; пускать пустить впускать вход;
    побеждать победить выигрывать выиграть победа; проигрывать проиграть уступить поражение; выпивать пить
    выпить; пить употреблять; отправляться отходить отправление уходить отъезжать отойти отправиться; приходить
    прибывать прибытие прийти; занимать длиться продолжаться; делать совершать сделать совершить; взимать брать
    взиматься браться; комиссия плата; оборот обращение; звать позвать вызывать вызвать; отключать выключать
    отключить выключить; включать запускать включить запустить; возгорание пожар загорание; запрещать
    воспрещать; беременная беременность; таблетка пилюля; сыпь высыпание; прекращать прекратить остановить;
    прием прием; обращаться обратиться; заказчик клиент; подрядчик исполнитель; исполнитель артист;
    приостановить приостанавливать остановить; неустойка пеня штраф; аванс предоплата задаток; просрочка
    задержка опоздание; подписание подписать подписывать; договор контракт соглашение; акт документ; поступить
    прийти поступать; билет проезд; пригородный электричка; уходить уезжать; комендант начальник; заложить
    основать закладывать; достроить завершить закончить; сгореть сжечь гореть; ворота врата; крепость цитадель
    твердыня; забить забивать; гол мяч; счет результат; вничью ничья; сохранить удержать сохранять; команда
    клуб; журнал лог; хранить хранение храниться; перезаписывать перезапись перезаписать; копировать скопировать
    копирование; удалять стирать стереть; рекомендовать советовать; уволиться увольняться; переезжать
    переселяться; выпечка печение; раскатывать раскатать; выпекать печь; муж супруг; жена супруга; завещать
    оставить; присылать прислать слать посылать; растворяться растворить растворимый; металл металлический;
    ядовитый токсичный отравляющий; отметить зафиксировать отмечать наблюдать; снег снежный; лежать держаться;
    дуть ветер; прибавлять добавлять прибавить; занятие тренировка; опытный бывалый; новичок начинающий;
    проводить провести; скрипка скрипичный; сохраниться уцелеть сохраняться; финал заключение; перевод
    перечисление; скидка уступка; книга том; издательство издатель; торопить подгонять; хотеть собираться;
    отговорить отговаривать; посадить сажать; рассада саженец; грунт земля; желтеть пожелтеть; азот азотный;
    поливать полив; экспорт вывоз; сократиться уменьшиться снизиться; вырасти увеличиться подняться; разводить
    выращивать; вид разновидность; опыт эксперимент испытание; участвовать участие; исчезнуть пропасть исчезать;
    разница различие; критик рецензент; хвалить похвалить хвалебный; заметить замечать; вернуться возвращаться
    возвращение; школьник ученик; опоздать опаздывать; уехать отбыть; подтвердить подтверждать доказать;
    исследование эксперимент; миф заблуждение; жирный жир; вредный вредить; клетчатка волокно; холестерин
    холестериновый; ведущий раздающий; набрать набирать получить; ход шаг; участок надел; урожай сбор; собрать
    собирать сбор; полководец командующий; войско рать; осада осадить осаждать; захватить взять завоевать;
    сдаться капитуляция; бежать сбежать; править царствовать; царь государь; престол трон; наследник преемник;
    открыть обнаружить; придумать изобрести; вычислить рассчитать; оценить оценивать; описать описывать;
    объяснить пояснить объяснять; упомянуть упоминать; подчеркнуть подчеркивать; обсуждать обсудить; решить
    решать; надеяться надежда; уставать устать усталость; знаменитый известный; редкий нечастый; необходимый
    нужный; достаточный достаточно; дополнительный добавочный; окончательный последний; единственный один;
    временный временно; краткий короткий; точный верный; примерный приблизительный; прикрепить закрепить;
    отделить отделять; распространить распространять; бросить кидать бросать; доставить доставлять доставка;
    поднять поднимать; нажать нажимать; повернуть поворачивать; покрыть покрывать; заполнить заполнять; мыть
    помыть вымыть промыть; сушить высушить сушка; сломать ломать поломка; порвать рвать; ударить бить удар;
    укусить кусать укус; кормить накормить корм; выращивать вырастить; житель население; сосед соседний; помидор
    томат; картофель картошка; самолет аэроплан; доктор врач; больница госпиталь; аптека аптечный; лечение
    терапия; лечить лечение; выздороветь поправиться; аллергия аллергический; болеть болезнь; бег забег; прыжок
    прыгать; соревнование состязание турнир; судья арбитр; зритель болельщик; поезд электропоезд; пассажир
    путешественник; путешествие поездка; гостиница отель; гость посетитель; ребята дети; мама мать; папа отец;
    бабушка бабка; дедушка дед; приятель друг; беседа разговор; спор дискуссия; праздник торжество; подарок дар;
    обед обедать; ужин ужинать; завтрак завтракать; кухня кухонный; нож ножик; ложка ложечка; стакан бокал;
    кипятить вскипятить; остыть остывать; растопить топить; легкий легкий; порядок последовательность; начальный
    исходный; изучить исследовать; сравнительно относительно; спустя через; прием употребление; около примерно;
    умереть погибнуть; погибать погибнуть гибель; груз ноша; вес масса; длина протяженность; скорость быстрота;
    площадь территория; высота рост; срок период; увольнение уволить; зарплата заработок; сотрудник работник
    служащий; директор руководитель; собрание совещание заседание; отчет доклад; университет вуз; экзамен
    испытание; оценка отметка; учебник пособие
"""


@cache
def _groups() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for number, group in enumerate([*_ENGLISH.split(";"), *_RUSSIAN.split(";")]):
        for word in group.split():
            for lemma in read_word(word.replace("ё", "е")).lemmas:
                groups.setdefault(lemma, set()).add(number)
    return {lemma: frozenset(numbers) for lemma, numbers in groups.items()}


@lru_cache(65536)
def synonym_groups(lemmas: frozenset[str]) -> frozenset[int]:
    """The groups of synonyms that a word is in, as numbers; empty for most words.

    Args:
        lemmas: of the word (`morphology.read_word`).
    """
    groups = _groups()
    return frozenset(number for lemma in lemmas for number in groups.get(lemma, ()))
