// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the code that is cut holds templates
import assert from "node:assert/strict";
import { test } from "node:test";
import { body, type Cut, conjunct, disarmed, element, make, never, operand, replaced } from "./cut.ts";
import { TargetMissing } from "./tree.ts";

const path = "code.ts";

function cut(text: string, what: Cut): string {
  return make(what, text).text;
}

test("an if is never taken, the innermost that says so", () => {
  const text = "function f() { if (a) { if (b) throw new Error('no'); } }";
  assert.equal(
    cut(text, never(path, "f", "'no'")),
    "function f() { if (a) { if (false) throw new Error('no'); } }",
  );
});

test("an operand becomes what decides nothing", () => {
  const text = "const f = () => a && (b || c.d(1)) && e;";
  assert.equal(cut(text, operand(path, "f", "a")), "const f = () => true && (b || c.d(1)) && e;");
  assert.equal(cut(text, operand(path, "f", "c.d")), "const f = () => a && (b || false) && e;");
  assert.equal(cut(text, operand(path, "f", "e")), "const f = () => a && (b || c.d(1)) && true;");
});

test("a condition of an SQL template always holds, its bound values and neighbours untouched", () => {
  const text =
    'const f = () => sql`select 1 from "t" where ${x} and "t"."a" = ${now()} and "t"."b" = 1 limit 1`;';
  const without = (mention: string) => cut(text, conjunct(path, "f", mention)).split("where ")[1];
  assert.equal(without('"t"."a"'), '${x} and 1 and "t"."b" = 1 limit 1`;');
  assert.equal(without('"t"."b"'), '${x} and "t"."a" = ${now()} and 1 limit 1`;');
  assert.equal(without("${x}"), '1 and "t"."a" = ${now()} and "t"."b" = 1 limit 1`;');
});

test("a method's body, a list's element and any node are replaced", () => {
  const text = "class K { #m(x: number[]) { return [1, two(), 3]; } } function g() { return 1; }";
  assert.match(cut(text, body(path, "#m", "return [];")), /#m\(x: number\[\]\) \{ return \[\]; \}/);
  assert.match(cut(text, element(path, "#m", "two")), /\[1, \.\.\.\[\], 3\]/);
  assert.match(cut(text, replaced(path, "g", "ReturnStatement", "1", "")), /function g\(\) \{ {2}\}/);
});

test("a trigger stands and raises nothing", () => {
  const text =
    "create trigger one before update on t\nbegin\n  select raise(abort, 'a');\nend;\ncreate trigger two before delete on t\nbegin\n  select raise(abort, 'b');\nend;";
  const left = cut(text, disarmed("m.sql", "two"));
  assert.match(left, /select raise\(abort, 'a'\)/);
  assert.match(left, /create trigger two before delete on t\nbegin\n {2}select 1;\nend;/);
});

test("a target that is gone, or not the only one, is missing", () => {
  const text = "function f() { if (a) throw 1; if (b) throw 1; }";
  for (const what of [
    never(path, "f", "throw 2"),
    never(path, "f", "throw 1"),
    never(path, "g", "throw 1"),
    operand(path, "f", "a"),
    disarmed("m.sql", "one"),
  ])
    assert.throws(() => make(what, text), TargetMissing);
});

test("the line of what was removed is its own", () => {
  assert.deepEqual(make(never(path, "f", "a"), "\n\nfunction f() {\n  if (a) return;\n}"), {
    line: 4,
    removed: "a",
    text: "\n\nfunction f() {\n  if (false) return;\n}",
  });
});
