import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [address, text, key] = process.argv.slice(2);
const subscriber: components["schemas"]["Subscriber"] = JSON.parse(text!);
const client = createClient<paths>({ baseUrl: address!, headers: key ? { Authorization: `Bearer ${key}` } : {} });

const { data, error } = await client.POST("/predict", {
  params: {
    query: { reasons: 2 },
    header: { "X-Subscriber-Key": "somebody", "X-Last-Offer": "2020-01-31", "Accept-Language": "de" },
  },
  body: subscriber,
});
if (!data) throw new Error(error.detail);

const refused = await client.POST("/predict", { body: { ...subscriber, tenure: -1 } });
if (refused.error?.errors?.[0]?.field !== "tenure") throw new Error(JSON.stringify(refused));
const health = await client.GET("/health");
if (health.data?.status !== "healthy") throw new Error(JSON.stringify(health));
console.log(JSON.stringify(data));
