import { body, element, never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const tests = "test/resources/customer-consent";
const shares = [`${tests}/shared-profiles.test.ts`];
const consents = [`${tests}/consent.test.ts`];
const races = [`${tests}/races.test.ts`];
const profiles = "src/resources/customer-consent/shared-profiles.ts";
const customers = "src/resources/customers/operations.ts";

/** What keeps a person's data at the venue that they told it, until they consent at two. */
export const consent: readonly Mutant[] = [
  {
    name: "the cell in the salt of a consenting person's token",
    cut: replaced(
      "src/crypto/person-token.ts",
      "personToken",
      "ArrayExpression",
      "cell",
      '[typeof cell, isSandbox ? "test" : "live"]',
    ),
    caughtBy: shares,
  },
  {
    name: "the sandbox in the salt of a consenting person's token",
    cut: body("src/lib/sandbox.ts", "isSandbox", 'return slug === "";'),
    caughtBy: shares,
  },
  {
    name: "the end of a consent's token with the person",
    cut: element("src/db/erasure.ts", "forgottenRows", "identity"),
    caughtBy: consents,
  },
  {
    name: "the end of consent with the address that it was given for",
    cut: operand(customers, "endsConsent", "normaliseEmail"),
    caughtBy: consents,
  },
  {
    name: "the end of consent with the customer",
    cut: replaced(customers, "endsConsent", "LogicalExpression", "before.deletedAt === null", "false"),
    caughtBy: consents,
  },
  {
    name: "the capability for what is sensitive, where consent to it is recorded",
    cut: never("src/resources/customer-consent/operations.ts", "give", "isSensitive"),
    caughtBy: consents,
  },
  {
    name: "the capability for what is sensitive, where a consenting person's is told",
    cut: replaced(profiles, "sharedProfiles", "LogicalExpression", "maySense ||", "maySense || true"),
    caughtBy: shares,
  },
  {
    name: "the forgetting of what was told after consent",
    cut: element(profiles, "sharedProfiles", '"data"'),
    caughtBy: shares,
  },
  {
    name: "the silence of other venues where a request of after consent is replayed",
    cut: never("src/http/linked-people.ts", "linkedPeopleOf", "run.isAnswered()"),
    caughtBy: shares,
  },
  {
    name: "the consent that is read where it lies, and is the same person's",
    cut: replaced(profiles, "toldTo", "BinaryExpression", "theirs?.identityToken", "theirs === null"),
    caughtBy: races,
  },
  {
    name: "the fields of a consent as they are where it lies",
    cut: replaced(profiles, "toldTo", "CallExpression", "common(wanted", "[...wanted]"),
    caughtBy: races,
  },
  {
    name: "the second reading of a consent whose telling was noted within the hour",
    cut: replaced(
      "src/db/visit-tenant.ts",
      "visitTenant",
      "ConditionalExpression",
      "again?.about",
      "again === undefined ? null : told",
    ),
    caughtBy: races,
  },
  {
    name: "the consent and its fields in what is one telling an hour",
    cut: replaced(profiles, "toldTo", "ArrayExpression", "theirs.givenAt", "[askerId, theirs.id]"),
    caughtBy: shares,
  },
  {
    name: "the state of a venue that is read for another, after consent",
    cut: replaced(
      "src/db/commit-statements.ts",
      "stateGuard",
      "ConditionalExpression",
      'session.epoch === "any" ?',
      'typeof session.epoch === "string" ? state : isActive',
    ),
    caughtBy: races,
  },
];
