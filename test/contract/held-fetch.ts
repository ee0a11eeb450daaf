import assert from "node:assert/strict";
import { registry } from "#resources/index.ts";
import { contractCheck } from "./validator.ts";

const faultsOf = contractCheck(registry);

/** `fetch` for tests of a running deployment: what it answers is what the contract says, or the test fails. */
export const heldFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const { method, url } = request;
  const response = await fetch(request);
  const text = await response.clone().text();
  const isJson = text !== "" && /json/.test(response.headers.get("content-type") ?? "");
  const { status, headers } = response;
  const answer = { status, headers, text, json: isJson ? JSON.parse(text) : null };
  assert.deepEqual(faultsOf(method, url, answer), []);
  return response;
};
