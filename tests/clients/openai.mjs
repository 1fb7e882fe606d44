// OpenAI's own JavaScript client, as it comes, through a whole visit. Prints what it was told as one JSON object.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.TROUPE_URL, apiKey: process.env.TROUPE_KEY, maxRetries: 0 });
const model = "innkeeper";
const messages = [{ role: "user", content: "有房间吗？" }];
const tool = {
  type: "function",
  function: { name: "free_rooms", parameters: { type: "object", properties: { night: { type: "string" } } } },
};
const offer = {
  type: "json_schema",
  json_schema: { name: "offer", schema: { type: "object", properties: { rooms: { type: "integer" } }, required: ["rooms"] } },
};
const seen = {};

seen.models = (await client.models.list()).data.map((each) => each.id);

const whole = await client.chat.completions.create({ model, messages });
seen.whole = [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.citations];

const stream = await client.chat.completions.create({
  model, messages, stream: true, stream_options: { include_usage: true },
});
seen.pieces = [];
for await (const chunk of stream) {
  const text = chunk.choices[0]?.delta?.content;
  if (text) seen.pieces.push(text);
  if (chunk.usage) seen.usage = chunk.usage.total_tokens;
}

const called = await client.chat.completions.create({ model, messages, tools: [tool] });
const call = called.choices[0].message.tool_calls[0];
seen.call = [called.choices[0].finish_reason, call.function.name, JSON.parse(call.function.arguments)];
const runner = client.chat.completions.stream({
  model, tools: [tool],
  messages: [...messages, called.choices[0].message, { role: "tool", tool_call_id: call.id, content: "1" }],
});
seen.answered = await runner.finalContent();

const parsed = await client.chat.completions.parse({ model, messages, response_format: offer });
seen.parsed = JSON.parse(parsed.choices[0].message.content);

const vectors = await client.embeddings.create({ model: "multilingual-e5-small", input: ["一间房", "a room"] });
seen.vectors = vectors.data.map((each) => each.embedding.length);

try {
  await client.chat.completions.create({ model: "nobody", messages });
} catch (error) {
  seen.refused = [error.constructor.name, error.status, error.code];
}

console.log(JSON.stringify(seen));
