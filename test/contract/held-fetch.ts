import assert from "node:assert/strict";
import { registry } from "#resources/index.ts";
import { contractCheck } from "./validator.ts";

const faultsOf = contractCheck(registry);

/** `fetch` for tests of a running deployment: what it answers is what the contract says, or the test fails. */
export const heldFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const response = await fetch(request);
  const { status, headers } = response;
  assertHeld(request.method, request.url, { status, headers, text: await response.clone().text() });
  return response;
};

/** The same for what cannot be sent with `fetch`. */
export function assertHeld(
  method: string,
  url: string,
  { status, headers, text }: { readonly status: number; readonly headers: Headers; readonly text: string },
): void {
  const isJson = text !== "" && /json/.test(headers.get("content-type") ?? "");
  const answer = { status, headers, text, json: isJson ? JSON.parse(text) : null };
  assert.deepEqual(faultsOf(method, url, answer), []);
}
