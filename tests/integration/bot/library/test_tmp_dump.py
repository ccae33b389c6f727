import json
from dataclasses import asdict
from tests.integration.bot.library.test_demo_library import *  # noqa

async def test_dump(filled, database, embedder, counter):
    lib = Library(database, embedder, filled.name, counter.count)
    mode = resolve_mode(parse_expression("sport"), filled)
    names = collections_for_mode(filled, mode)
    neg = []
    for f in ("ru", "en"):
        d = json.load(open(f"/work/shared/data/xquad/xquad.{f}.dev.json"))
        neg += [q["question"] for a in d["data"] for p in a["paragraphs"][:2] for q in p["qas"][:3]][:100]
    neg += ["Hello!", "Hi, how are you?", "Привет!", "Как дела?", "Thank you very much", "Спасибо большое", "Write a poem about rain", "Напиши стихи о дожде",
      "Translate into English: я иду домой", "What is the capital of France?", "Who won the war with Persia?", "Расскажи анекдот", "Какая погода сегодня?", "What time is it?",
      "Write a python function that sorts a list", "Как приготовить борщ?", "What should I watch tonight?", "Как зовут президента США?", "My dog is ill, what do I do?", "Какой самый большой океан?"]
    out = []
    for q, s in [(one.question, one.support) for one in QUESTIONS] + [(q, None) for q in neg]:
        ps = await lib.search(q, collections=names, limit=8, token_budget=1200)
        ps4 = await lib.search(q, collections=names, limit=4, token_budget=600)
        out.append({"q": q, "support": s, "passages": [asdict(p) for p in ps], "passages4": [asdict(p) for p in ps4]})
    open("/tmp/citelab/raw.json", "w").write(json.dumps(out, ensure_ascii=False, default=str))
