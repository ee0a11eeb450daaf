import { beforeAll, expect, test } from "vitest";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { expectSuccess } from "#test/every-operation/trial.ts";
import { exampleOf, operations } from "#test/examples.ts";
import { failingAt } from "#test/failing-commits.ts";
import { envWith, newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

/** By hand: those that commit nothing, though their form could. */
const withoutCommit = ["passkey-challenges.create", "sign-in.providers", "sign-in.federated", "sign-in.sso"];
/**
 * By hand: each try at these counts against its address or number, or is taken once by somebody else's server, also where it fails
 * here, so each is made by somebody new.
 */
const counted = [
  "sign-ups.create",
  "password-resets.ask",
  "email-changes.ask",
  "sign-in.federatedComplete",
  "identities.connect",
  "sms.begin",
  "sign-in.sendSms",
  "step-up.sendSms",
];
// Test/identity/members/joining.test.ts and test/resources/support/visits.test.ts have the same of these.
const writesCellFirst = ["me.acceptInvitation", "support.begin", "support.end"];
// What OAuth's operations write lies in a cell: test/identity/oauth has the same of those.
const ofAccounts = operations.filter(
  ({ name, operation }) =>
    (operation.form === "visitor" || operation.form === "me-write") &&
    !name.startsWith("oauth.") &&
    !writesCellFirst.includes(name),
);

let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

for (const { name } of ofAccounts) {
  test(`a failure at any statement of ${name} leaves nothing half-done, and what it took is good as before`, async () => {
    const make = () => exampleOf(name).make(tenant);
    let input = await make();
    const seen = { commits: 0, most: 0 };
    for (let at = 0; at <= seen.most; at += 1) {
      if (counted.includes(name)) input = await make();
      const before = await written();
      const env = envWith({ DIRECTORY: failingAt(testEnv().DIRECTORY, at, seen) });
      const { status, json } = await call(name, { ...input, env });
      if (withoutCommit.includes(name)) break;
      expect([status, json?.type], `statement ${at}`).toEqual([500, "/problems/internal"]);
      expect(grown(before, await written()), `statement ${at}`).toEqual({});
    }
    // Each statement failed once, and a commit has at least its id, a row and its audit.
    expect(seen.commits).toBe(withoutCommit.includes(name) ? 0 : seen.most + 1);
    expectSuccess(name, await call(name, counted.includes(name) ? await make() : input));
  });
}
