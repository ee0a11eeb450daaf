import { globSync, readFileSync } from "node:fs";
import type { Cut } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";
import { callsOf, codeOf, TargetMissing } from "#test/mutation/tree.ts";

/** Which tests are there for the guards of each file. */
const caughtBy: Readonly<Record<string, readonly string[]>> = {
  "src/db/directory.ts": ["test/jobs/directory-keys.test.ts", "test/identity/accounts/sessions.test.ts"],
  "src/gate/sso-claims.ts": ["test/resources/sso/domains.test.ts"],
  "src/identity/accounts/change-email.ts": ["test/identity/accounts/account-ends.test.ts"],
  "src/identity/accounts/sign-up.ts": ["test/identity/accounts/accounts.test.ts"],
  "src/identity/federation/arrive.ts": [
    "test/identity/federation/races.test.ts",
    "test/identity/federation/sso.test.ts",
  ],
  "src/identity/federation/join.ts": ["test/identity/federation/races.test.ts"],
  "src/identity/federation/connect.ts": ["test/identity/federation/federation.test.ts"],
  "src/gate/leaving.ts": ["test/resources/members/rights.test.ts"],
  "src/gate/memberships.ts": ["test/resources/members/leaving.test.ts"],
  "src/identity/members/invitations.ts": [
    "test/identity/members/joining.test.ts",
    "test/identity/support/agents.test.ts",
  ],
  "src/gate/sandbox.ts": ["test/resources/sandbox.test.ts"],
  "src/mail/suppressions.ts": ["test/mail/postmark-webhooks.test.ts"],
  "src/identity/oauth/authorize.ts": ["test/identity/oauth/grants.test.ts"],
  "src/identity/outside/organizations.ts": ["test/identity/outside/links.test.ts"],
  "src/identity/outside/people.ts": ["test/identity/outside/clerk-races.test.ts"],
  "src/identity/outside/standing.ts": ["test/identity/outside/clerk-races.test.ts"],
  "src/identity/support/agents.ts": ["test/identity/support/agents.test.ts"],
  "src/gate/support-ends.ts": ["test/resources/support/late.test.ts"],
  "src/identity/support/operations.ts": ["test/resources/support/visits.test.ts"],
  "src/identity/support/begin-in-cell.ts": ["test/resources/support/visits.test.ts"],
  "src/identity/sms/send-code.ts": ["test/identity/sms/sms.test.ts"],
  "src/resources/api-keys/operations.ts": ["test/gate/key-terms.test.ts"],
  "src/resources/customer-consent/operations.ts": ["test/resources/customer-consent/races.test.ts"],
  "src/resources/customer-consent/shared-profiles.ts": ["test/resources/customer-consent/races.test.ts"],
  "src/resources/customer-consent/table.ts": ["test/resources/customer-consent/races.test.ts"],
  "src/resources/customer-dietary/operations.ts": ["test/resources/customer-dietary.test.ts"],
  "src/resources/files/content.ts": ["test/resources/files/guards.test.ts"],
  "src/resources/files/owner.ts": ["test/resources/files/guards.test.ts"],
  "src/resources/files/parts.ts": ["test/resources/files/guards.test.ts"],
  "src/resources/files/refusals.ts": ["test/resources/files/upload.test.ts"],
  "src/resources/files/versions.ts": ["test/resources/files/versions.test.ts"],
  "src/resources/locations/operations.ts": [
    "test/resources/locations.test.ts",
    "test/resources/invitations/invitations.test.ts",
  ],
  "src/resources/invitations/sending.ts": [
    "test/resources/invitations/invitations.test.ts",
    "test/resources/invitations/races.test.ts",
  ],
  "src/resources/members/operations.ts": ["test/resources/members/rights.test.ts"],
  "src/resources/roles/operations.ts": [
    "test/resources/members/roles.test.ts",
    "test/resources/invitations/invitations.test.ts",
  ],
  "src/resources/oauth-clients/operations.ts": ["test/resources/oauth-clients.test.ts"],
  "src/resources/orders/operations.ts": ["test/resources/orders.test.ts"],
  "src/resources/sso/connections.ts": ["test/resources/sso/connections.test.ts"],
  "src/resources/sso/domains.ts": [
    "test/resources/sso/domains.test.ts",
    "test/resources/sso/connections.test.ts",
  ],
  "src/resources/webhook-endpoints/operations.ts": ["test/resources/webhook-endpoints.test.ts"],
};

const makers = ["mustExist", "mustNotExist"];

/** Every guard that some change asks for: found in the code, so that a new one is a mutant from its first day. */
export const guards: readonly Mutant[] = globSync("src/**/*.ts")
  .map((path) => path.replaceAll("\\", "/"))
  .toSorted()
  .flatMap((path) => {
    const text = readFileSync(path, "utf8");
    return callsOf(path, text, makers).map((call, index) => ({
      name: `${index + 1}: ${codeOf(text, call)}`,
      cut: satisfied(path, index),
      caughtBy: caughtBy[path] ?? missing(path),
    }));
  });

/** The guard asks for what is always so. */
function satisfied(path: string, index: number): Cut {
  return {
    path,
    find(text) {
      const call = callsOf(path, text, makers)[index];
      if (!call) throw new TargetMissing(`${path} has no guard number ${index + 1}`);
      const { start, end } = call;
      const by = `({ ...${text.slice(start, end)}, expect: "absent" as const, where: 0 as never })`;
      return { start, end, by };
    },
  };
}

function missing(path: string): never {
  throw new Error(`${path} has guards: name the tests that need them in test/mutation/mutants/guards.ts`);
}
