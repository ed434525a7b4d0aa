import { health, predict, type Subscriber } from "./orval.js";

const [address, text, key] = process.argv.slice(2);
const subscriber: Subscriber = JSON.parse(text!);
// The generated calls ask the host of the page; here that is the service.
const authorization: Record<string, string> = key ? { Authorization: `Bearer ${key}` } : {};
const plainFetch = globalThis.fetch;
globalThis.fetch = (path, options) => plainFetch(new URL(String(path), address), options);

const answer = await predict(
  subscriber,
  { reasons: 2 },
  { headers: { ...authorization, "X-Subscriber-Key": "somebody", "X-Last-Offer": "2020-01-31", "Accept-Language": "de" } },
);
if (answer.status !== 200) throw new Error(JSON.stringify(answer.data));

const refused = await predict({ ...subscriber, tenure: -1 }, {}, { headers: authorization });
if (refused.status !== 422 || refused.data.errors?.[0]?.field !== "tenure") throw new Error(JSON.stringify(refused));
const state = await health();
if (state.status !== 200 || state.data.status !== "healthy") throw new Error(JSON.stringify(state));
console.log(JSON.stringify(answer.data));
