// What n8n 2.41.1's OpenAI chat model asks with: the library that its node makes its model with, in n8n's version and
// with the fields that the node sets (LmChatOpenAi.node.js), by `/v1/responses`, its default, and by chat completions.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

const installed = JSON.parse(readFileSync(new URL("node_modules/@langchain/openai/package.json", `file://${process.cwd()}/`)));
console.log("@langchain/openai", installed.version);
const calculator = tool(async ({ input }) => input, {
  name: "calculator",
  description: "Useful for getting the result of a math expression.",
  schema: z.object({ input: z.string() }),
});
const question = [["system", "You are a helpful assistant"], ["human", "How do I rest after a long run?"]];

for (const useResponsesApi of [true, false]) {
  const name = useResponsesApi ? "responses" : "chat completions";
  const model = new ChatOpenAI({
    apiKey: process.env.OPENAI_API_KEY,
    model: "sport+core",
    timeout: 600_000,
    maxRetries: 2,
    configuration: { baseURL: process.env.OPENAI_BASE_URL },
    modelKwargs: {},
    supportsStrictToolCalling: false,
    ...(useResponsesApi ? { useResponsesApi } : {}),
  });
  const answer = await model.invoke(question);
  console.log(`${name}:`, JSON.stringify(answer.text));
  assert(answer.text);
  let text = "", chunks = 0;
  for await (const chunk of await model.stream(question)) [text, chunks] = [text + chunk.text, chunks + 1];
  console.log(`${name}, stream:`, chunks, "chunks", JSON.stringify(text));
  assert(text);
  text = "";
  for await (const chunk of await model.bindTools([calculator]).stream(question)) text += chunk.text;
  console.log(`${name}, agent with a tool:`, JSON.stringify(text));
  assert(text);
}
