"""The official Python client: chat, stream, tools, responses, embeddings, errors, cancellation."""

from __future__ import annotations

import openai

client = openai.OpenAI(max_retries=0, timeout=300)
QUESTION = "How do I rest after a long run?"
TOOL = {
    "name": "weather",
    "description": "The weather in a town.",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
}


def chat() -> None:
    done = client.chat.completions.create(
        model="sport+core", user="anna", max_tokens=60, messages=[{"role": "user", "content": QUESTION}]
    )
    message = done.choices[0].message
    print("chat:", done.model, done.choices[0].finish_reason, repr(message.content), len(message.annotations or []))
    assert message.content


def stream() -> None:
    chunks = client.chat.completions.create(
        model="base",
        max_tokens=20,
        messages=[{"role": "user", "content": "Hello!"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    received = list(chunks)
    print("stream:", len(received), "chunks,", received[-1].usage)
    assert received[-1].usage is not None


def tools() -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="base",
        max_tokens=20,
        messages=[{"role": "user", "content": "What is the weather in Sparta?"}],
        tools=[{"type": "function", "function": TOOL}],
    )
    done = raw.parse()
    print("tools:", raw.headers.get("X-Consilium-Ignored"), done.choices[0].finish_reason)
    assert raw.headers.get("X-Consilium-Ignored") == "tools" or done.choices[0].message.tool_calls


def responses() -> None:
    first = client.responses.create(model="sport+core", user="anna", input=QUESTION, max_output_tokens=60)
    print("response:", first.status, repr(first.output_text))
    with client.responses.stream(
        model="sport+core", user="anna", input="For how long?", max_output_tokens=40, previous_response_id=first.id
    ) as events:
        kinds = [event.type for event in events]
        final = events.get_final_response()
    print("response stream:", kinds[0], kinds[-1], repr(final.output_text))
    assert kinds[0] == "response.created"
    assert final.previous_response_id == first.id
    kept = client.responses.retrieve(first.id, extra_query={"user": "anna"})
    assert kept.output_text == first.output_text
    client.responses.delete(first.id, extra_query={"user": "anna"})
    try:
        client.responses.retrieve(first.id, extra_query={"user": "anna"})
    except openai.NotFoundError as error:
        print("response deleted:", error.status_code)
    else:
        raise AssertionError("it is still there")


def embeddings() -> None:
    made = client.embeddings.create(model="embedder", input=["How do I rest?", "Как мне отдыхать?"])
    print("embeddings:", made.model, len(made.data), "x", len(made.data[0].embedding))
    assert len(made.data) == 2


def errors() -> None:
    for more, kind in (
        ({"model": "no such mode"}, openai.NotFoundError),
        ({"n": 2}, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
         openai.BadRequestError),
    ):  # fmt: skip
        request = {"model": "base", "messages": [{"role": "user", "content": "Hi"}], **more}
        try:
            client.chat.completions.create(**request)
        except kind as error:
            print("error:", error.status_code, error.code, error.param)
        else:
            raise AssertionError("it was not refused")
    try:
        client.with_options(api_key="wrong").models.list()
    except openai.AuthenticationError as error:
        print("error:", error.status_code, error.code)


def cancellation() -> None:
    chunks = client.chat.completions.create(
        model="base", user="anna", messages=[{"role": "user", "content": "Tell me a story."}], stream=True
    )
    first = next(iter(chunks))
    chunks.close()
    print("cancelled:", first.id.partition("-")[0])


if __name__ == "__main__":
    for part in (chat, stream, tools, responses, embeddings, errors, cancellation):
        part()
    print("models:", [model.id for model in client.models.list()])
