import { element, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const envelope = ["test/crypto/envelope.test.ts"];
const ring = ["test/crypto/key-ring.test.ts"];
const sealed = ["test/resources/customers.test.ts"];

function address(part: string): Mutant {
  return {
    name: `the ${part} in a sealed value's address`,
    cut: element("src/crypto/envelope.ts", "authenticated", part),
    caughtBy: envelope,
  };
}

/** What binds a ciphertext to its place, and what is sealed at all. */
export const sealing: readonly Mutant[] = [
  ...["format", "tenant", "table", "column", "row"].map(address),
  {
    name: "the subject in a wrapped key's address",
    cut: element("src/crypto/key-ring.ts", "pair", "subjectId"),
    caughtBy: ring,
  },
  {
    name: "the seal on personal columns",
    cut: replaced("src/db/sealing.ts", "sealRow", "CallExpression", "seal(dataKey", "value"),
    caughtBy: sealed,
  },
];
