import { expect, test } from "vitest";
import { WaitingLine } from "#lib/waiting-line.ts";

test("no more than so many stand in line, and who leaves makes room for one", () => {
  const line = new WaitingLine(2, 1000);
  const first = line.join(0);
  expect([first, line.join(0)]).not.toContain(null);
  expect(line.join(0)).toBeNull();
  if (first) line.leave(first);
  expect(line.join(0)).not.toBeNull();
  expect(line.join(0)).toBeNull();
});

test("who never left is forgotten when his patience is over, and leaving then takes nobody else's place", () => {
  const line = new WaitingLine(1, 1000);
  const gone = line.join(0);
  expect(line.join(1000)).toBeNull();
  expect(line.join(1001)).not.toBeNull();
  if (gone) line.leave(gone);
  expect(line.join(1002)).toBeNull();
});
