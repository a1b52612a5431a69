// The spark's identity cell, in JavaScript: it answers probes over NATS and is paid for it.
// The supervisor of the garden starts it, tells it in its environment where it is heard,
// and starts it again should it fail.
import { readFileSync } from "node:fs";
import { connect } from "@nats-io/transport-node";

const { NATS_URL, NIMDSL_CELLS, NIMDSL_ECONOMY } = process.env;
const subject = JSON.parse(NIMDSL_CELLS)["identity-cell"];
const registry = JSON.parse(readFileSync(new URL("registry.json", import.meta.url)));

const ANSWERED_MAX = 1024;
const answered = new Map(); // request id -> reply; attempts of one request share the id

const bus = await connect({ servers: NATS_URL, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
const end = () => bus.drain().finally(() => process.exit());
process.on("SIGTERM", end);
process.stdin.on("close", end).resume(); // it closes when the garden is gone

for await (const message of bus.subscribe(subject)) {
  const request = read(message);
  if (request && message.reply) message.respond(JSON.stringify(await answer(request, message.headers)));
}

function read(message) {
  try {
    const request = message.json();
    const mine = request.$schema === "spark.identity.v1" && request.request_id && request.payload;
    return mine ? request : null;
  } catch {
    return null; // whoever sent this cannot expect an answer
  }
}

// An answer that was paid for is given again for nothing; RETRY is free and forgotten.
async function answer({ request_id, payload }, headers) {
  const known = answered.get(request_id);
  if (known) return known;
  const refusal = await settle(request_id, headers).catch(String);
  if (refusal) return reply(request_id, "RETRY", { reason: `not paid: ${refusal}` });
  const found = registry.find((row) => row.aspect === payload.aspect);
  const said = found
    ? reply(request_id, "ACK", { payload: found, lifeforce_delta: 20.0 })
    : reply(request_id, "NACK", { reason: "nothing found" });
  answered.set(request_id, said);
  if (answered.size > ANSWERED_MAX) answered.delete(answered.keys().next().value);
  return said;
}

// Takes the price of processing from the hold that came with the request.  The key makes it
// happen once, even if this program was started again in between.  Returns why not, if not.
async function settle(id, headers) {
  const hold = headers?.get("Nimdsl-Hold");
  const amount = Number(headers?.get("Nimdsl-Process"));
  if (!hold || !amount || !NIMDSL_ECONOMY) return "";
  const command = { type: "settle", hold, key: `process/${id}`, name: "process", amount };
  const said = (await bus.request(NIMDSL_ECONOMY, JSON.stringify({ command }), { timeout: 1000 })).json();
  return said.granted ? "" : (said.error ?? "the hold has too little");
}

function reply(request_id, status, more) {
  const timestamp = new Date().toISOString();
  return { $schema: "spark.identity.ack.v1", type: "IDENTITY_ACK", request_id, timestamp, status, ...more };
}
