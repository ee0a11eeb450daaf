import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { make } from "./cut.ts";
import { lost } from "./judge.ts";
import { mutants } from "./mutants.ts";
import { TargetMissing } from "./tree.ts";

test("what each mutant removes still stands in the code, once", () => {
  const gone = mutants.flatMap((mutant) =>
    [mutant.cut, ...(mutant.wallsDown ?? [])].flatMap((cut) => {
      try {
        make(cut, readFileSync(cut.path, "utf8"));
        return [];
      } catch (error) {
        if (error instanceof TargetMissing) return [lost(mutant, error.message).text];
        throw error;
      }
    }),
  );
  assert.deepEqual(gone, []);
});

test("there are at least 30 mutants, and no two remove the same", () => {
  assert.ok(mutants.length >= 30);
  const spans = mutants.map(({ cut }) => {
    const { start, end } = cut.find(readFileSync(cut.path, "utf8"));
    return `${cut.path} ${start} ${end}`;
  });
  assert.deepEqual(
    spans.filter((span, index) => spans.indexOf(span) !== index),
    [],
  );
});
