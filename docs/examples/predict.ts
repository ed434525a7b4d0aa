// Asks for a prediction within a budget. Node 20 or newer, or a browser; without libraries.
import { readFileSync } from "node:fs";

const RECONNECT_PAUSE_MS = 20;
const NO_CONNECTION = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENOTFOUND"]);

/** Returns the answer; null if there is none in time: the page is then shown without a banner. */
export async function predict(
  service: string,
  subscriber: unknown,
  subscriberKey: string,
  budgetMs = 200,
  apiKey?: string, // of the service, if it asks for one; never in a browser
): Promise<unknown> {
  const signal = AbortSignal.timeout(budgetMs); // for both calls and their bodies
  const requestId = crypto.randomUUID(); // the same for both calls, so that they count as one
  const ask = async (attempt: number): Promise<unknown> => {
    const response = await fetch(`${service}/predict`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-Subscriber-Key": subscriberKey,
        "X-Request-ID": requestId,
        "X-Attempt": `${attempt}`,
        ...(apiKey ? { Authorization: `Bearer ${apiKey}` } : {}),
      },
      body: JSON.stringify(subscriber),
      signal,
    });
    // 4xx too: asked again, it would be refused again.
    return response.ok ? await response.json() : null;
  };
  try {
    return await ask(1);
  } catch (error) {
    if (signal.aborted) return null;
    const code = (error as { cause?: { code?: string } }).cause?.code ?? "";
    // Without a connection the service may be restarting. If one broke, another may hold.
    if (NO_CONNECTION.has(code)) await new Promise((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS));
  }
  try {
    return await ask(2);
  } catch {
    return null;
  }
}

// Usage: [CHURN_API_KEY=KEY] node predict.js ADDRESS SUBSCRIBER_KEY [BUDGET_MS] < subscriber.json
const [service, subscriberKey, budgetMs] = process.argv.slice(2);
if (service && subscriberKey) {
  const subscriber: unknown = JSON.parse(readFileSync(0, "utf8"));
  const apiKey = process.env["CHURN_API_KEY"];
  const answer = await predict(service, subscriber, subscriberKey, Number(budgetMs ?? 200), apiKey);
  if (answer !== null) console.log(JSON.stringify(answer));
  process.exitCode = answer === null ? 1 : 0;
}
