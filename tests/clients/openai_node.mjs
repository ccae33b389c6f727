// The official Node client: chat, stream, tools, responses, embeddings, errors, cancellation.
import assert from "node:assert";
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0, timeout: 300_000 });
const messages = [{ role: "user", content: "How do I rest after a long run?" }];
const parameters = { type: "object", properties: { town: { type: "string" } } };

const done = await client.chat.completions.create({ model: "sport+core", user: "anna", max_tokens: 60, messages });
console.log("chat:", done.model, done.choices[0].finish_reason, JSON.stringify(done.choices[0].message.content));
assert(done.choices[0].message.content);

const stream = client.chat.completions.stream({ model: "base", max_tokens: 20, messages });
const whole = await stream.finalChatCompletion();
console.log("stream:", whole.choices[0].finish_reason);

const tools = [{ type: "function", function: { name: "weather", parameters } }];
const { response } = await client.chat.completions
  .create({ model: "base", max_tokens: 20, messages, tools })
  .withResponse();
console.log("tools:", response.headers.get("x-consilium-ignored"));

const first = await client.responses.create({ model: "sport+core", user: "anna", input: "My knee hurts.", max_output_tokens: 40 });
console.log("response:", first.status, JSON.stringify(first.output_text));
const kinds = [];
const events = client.responses.stream({
  model: "sport+core", user: "anna", input: "For how long?", max_output_tokens: 40, previous_response_id: first.id,
});
for await (const event of events) kinds.push(event.type);
const final = await events.finalResponse();
console.log("response stream:", kinds[0], kinds.at(-1), JSON.stringify(final.output_text));
assert.equal(final.previous_response_id, first.id);

const made = await client.embeddings.create({ model: "embedder", input: ["How do I rest?", "Как мне отдыхать?"] });
console.log("embeddings:", made.model, made.data.length, "x", made.data[0].embedding.length);

for (const more of [{ model: "no such mode" }, { n: 2 }]) {
  await assert.rejects(client.chat.completions.create({ model: "base", messages, ...more }), (error) => {
    console.log("error:", error.status, error.code, error.param);
    return error instanceof OpenAI.APIError;
  });
}

const cancelled = await client.chat.completions.create({ model: "base", user: "anna", messages, stream: true });
for await (const chunk of cancelled) {
  console.log("cancelled:", chunk.object);
  break;
}
