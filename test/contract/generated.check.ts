import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generated } from "./generated.ts";

for (const [path, expected] of Object.entries(await generated())) {
  test(`${path} is what the operations declare, the migrations make or a package lists`, () => {
    assert.equal(
      readFileSync(path, "utf8"),
      expected,
      "The API has changed, a schema, or the list of common passwords. If that is meant, run `npm run client`, read the diff as a client would, and commit it.",
    );
  });
}
