"""A bare Telegram bot that does what an answer with a memory cannot do without: `python -m benchmarks.bare_bot`.

For each message: the question's vector by the same embedder, one query for the person's ten nearest memories, one
question to the same engine, one insert of the question with its vector, one message with the answer. Nothing is kept
safe: an update is acknowledged before it is answered, and what is in hand when the process dies is lost. It has one
process; the model's thread and the event loop share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json

import aiohttp
import asyncpg
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from pgvector.asyncpg import register_vector
from platformdirs import user_cache_path

from db.memory.memories import to_half_precision
from inference.embedding import default_embedding_model, open_embedder

SCHEMA = """
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE IF NOT EXISTS bare_memories (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person bigint NOT NULL, question text NOT NULL,
        answer text NOT NULL, embedding halfvec NOT NULL
    );
    CREATE INDEX IF NOT EXISTS bare_memories_person ON bare_memories (person);
"""
NEAREST = "SELECT question FROM bare_memories WHERE person = $1 ORDER BY embedding <=> $2 LIMIT 10"
INSERT = "INSERT INTO bare_memories (person, question, answer, embedding) VALUES ($1, $2, $3, $4)"


async def main(token: str, api: str, dsn: str, engine: str, base: str) -> None:
    """Answer every message until ended."""
    dispatcher = Dispatcher()
    embedder = open_embedder(default_embedding_model(), user_cache_path("consilium") / "models", allow_download=False)
    await embedder.start()
    async with asyncpg.create_pool(dsn, init=register_vector) as pool, aiohttp.ClientSession() as client:

        async def ask(question: str, memories: list[str]) -> str:
            system = {"role": "system", "content": "What the person has said:\n" + "\n".join(memories)}
            body = {"model": base, "messages": [system, {"role": "user", "content": question}], "stream": True}
            body |= {"max_tokens": 256, "temperature": 0.7, "stream_options": {"include_usage": True}}
            async with client.post(f"{engine}/v1/chat/completions", json=body) as response:
                chunks = [json.loads(line[6:]) async for line in response.content if line.startswith(b"data: {")]
            return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])

        @dispatcher.message()
        async def answer(message: Message) -> None:
            question = message.text or ""
            [vector] = await embedder.embed([question], "query")
            embedding = to_half_precision(vector)
            rows = await pool.fetch(NEAREST, message.chat.id, embedding)
            said = await ask(question, [row["question"] for row in rows])
            await pool.execute(INSERT, message.chat.id, question, said, embedding)
            await message.answer(said)

        async with Bot(token, AiohttpSession(api=TelegramAPIServer.from_base(api))) as bot:
            print("ready", flush=True)
            await dispatcher.start_polling(bot, handle_signals=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("token", "api", "dsn", "engine", "base"):
        parser.add_argument(name)
    options = parser.parse_args()
    asyncio.run(main(options.token, options.api, options.dsn, options.engine, options.base))
