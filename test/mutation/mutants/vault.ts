import { body, conjunct, disarmed, element, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const erasure = "src/db/erasure.ts";
const secrets = "src/jobs/tell-old-secrets.ts";
const rotation = ["test/db/key-rotation.test.ts"];
const caughtBy = ["test/db/destroy-subject.test.ts"];

/** What keeps a destroyed key destroyed, and a failed tag from passing unseen. */
export const vault: readonly Mutant[] = [
  {
    name: "the refusal to seal for whoever was erased meanwhile",
    cut: element("src/db/commit.ts", "guardsOf", "livingGuard"),
    caughtBy,
  },
  {
    name: "the key's being gone, where a subject was destroyed before",
    cut: conjunct(erasure, "destroyedGuard", 'stands("subject_keys")'),
    caughtBy,
  },
  {
    name: "the end of the key itself",
    cut: element(erasure, "destroySubjectRows", 'delete from "subject_keys"'),
    caughtBy,
  },
  {
    name: "the end of the tokens that an erased person could be found by",
    cut: element(erasure, "destroySubjectRows", "indexedTables"),
    caughtBy,
  },
  {
    name: "the end of the words that an erased person could be found by",
    cut: element(erasure, "forgottenRows", 'delete from "search_index"'),
    caughtBy,
  },
  {
    name: "the bound on what is recorded of values that do not open, and of altered schemas",
    cut: replaced("src/db/once-an-hour.ts", "onceWithin", "Property", "expiresAt", "expiresAt: now"),
    caughtBy: ["test/db/unopened.test.ts", "test/jobs/guard-schema.test.ts"],
  },
  {
    name: "the end of upkeep that somebody else has done meanwhile",
    cut: replaced(
      "src/db/commit.ts",
      "guardsOf",
      "CallExpression",
      "change.unless",
      "say.guardStatement(code, sql`0`)",
    ),
    caughtBy: [...rotation, "test/jobs/rewrap-tenant-keys.test.ts"],
  },
  {
    name: "the time in which every isolate meets a new pepper",
    cut: replaced("src/gate/directory-keys.ts", "read", "BinaryExpression", "mintsFrom <=", "true"),
    caughtBy: ["test/jobs/directory-keys.test.ts"],
  },
  {
    name: "the keys that an older pepper is kept for",
    cut: replaced("src/jobs/old-peppers.ts", "removeOldPeppers", "BinaryExpression", "keysMadeWith", "false"),
    caughtBy: ["test/jobs/directory-keys.test.ts"],
  },
  {
    name: "the mark that a tenant was told of a secret's age",
    cut: element(secrets, "tell", "marked"),
    caughtBy: ["test/jobs/webhooks/secret-age.test.ts"],
  },
  {
    name: "the look at whether another runner told it meanwhile",
    cut: operand(secrets, "isToTell", "secretToldVersion"),
    caughtBy: ["test/jobs/webhooks/secret-age.test.ts"],
  },
  {
    name: "the look at whether the secret was rotated meanwhile",
    cut: operand(secrets, "isToTell", "secretSince"),
    caughtBy: ["test/jobs/webhooks/secret-age.test.ts"],
  },
  {
    name: "the epoch's move with a new tenant key",
    cut: element("src/db/tenant-keys.ts", "rotateTenantKey", "epochBump"),
    caughtBy: rotation,
  },
  {
    name: "the look for records of before a rotation",
    cut: body("src/db/commit-statements.ts", "olderRecordGuards", "return [];"),
    caughtBy: rotation,
  },
  {
    name: "the macs of before a rotation",
    cut: replaced("src/http/page.ts", "cursorsOf", "CallExpression", "indexKeys", "[ring.indexKey()]"),
    caughtBy: rotation,
  },
  ...["cell/0012_vault.sql", "directory/0006_vault.sql"].flatMap((file) =>
    [
      "subject_keys_refuse_destroyed",
      "subject_tombstones_refuse_update",
      "subject_tombstones_refuse_delete",
      "subject_tombstones_refuse_replace",
    ].map((trigger) => ({
      name: `the trigger ${trigger}`,
      cut: disarmed(`migrations/${file}`, trigger),
      caughtBy,
    })),
  ),
];
