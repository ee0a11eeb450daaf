import fc from "fast-check";
import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { expect, test } from "vitest";
import { namedOperations, pathOf } from "#http/registry.ts";
import { SegmentRouter } from "#http/segment-router.ts";
import { registry } from "#resources/index.ts";

// Hono's own router, which takes every path, is the oracle.
const routes = namedOperations(registry).map(({ name, operation }) => ({
  name,
  method: operation.method.toUpperCase(),
  path: pathOf(operation).replaceAll(/\{(\w+)\}/g, ":$1"),
}));
const words = [...new Set(routes.flatMap(({ path }) => path.split("/")))].filter(
  (word) => !word.startsWith(":"),
);

function filled(router: Router<string>): Router<string> {
  router.add("ALL", "*", "around");
  for (const { name, method, path } of routes)
    for (const handler of [name, `${name} again`]) router.add(method, path, handler);
  return router;
}

/** Each handler with the parameters that it is given. */
function told([handlers, stash]: Result<string>): unknown {
  return handlers.map(([handler, parameters]) => [
    handler,
    Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [
        name,
        typeof value === "number" ? stash?.[value] : value,
      ]),
    ),
  ]);
}

/** Of routes that a path fits by Hono's, the one that has a word where others have a parameter: that is what ours finds. */
function ofWords(found: unknown): unknown {
  if (!Array.isArray(found)) return found;
  const [around, ...others] = found;
  const pathOfHandler = (handler: unknown) =>
    routes.find(({ name }) => [name, `${name} again`].includes(String(Array.isArray(handler) && handler[0])))
      ?.path ?? "";
  // A parameter begins with a colon, which no word does; before any letter, were it not for this.
  const inOrder = (path: string) => path.replaceAll(/:\w+/g, "~");
  const paths = others.map((handler) => inOrder(pathOfHandler(handler))).toSorted();
  return [around, ...others.filter((handler) => inOrder(pathOfHandler(handler)) === paths[0])];
}

/** Hono's takes the name of a parameter, colon and all, for a word as well. */
function withValues(path: string): string {
  return path.replaceAll(/:(\w+)/g, "value-of-$1");
}

const ours = filled(new SegmentRouter());
const theirs = filled(new TrieRouter());

test.each(routes)("$method $path is found", ({ name, method, path }) => {
  const found = told(ours.match(method, withValues(path)));
  const names = [...path.matchAll(/:(\w+)/g)].map(([, parameter]) => String(parameter));
  const parameters = Object.fromEntries(names.map((parameter) => [parameter, `value-of-${parameter}`]));
  expect(found).toEqual([
    ["around", {}],
    [name, parameters],
    [`${name} again`, parameters],
  ]);
});

test("any path leads where Hono's own router would lead it", () => {
  const segment = fc.oneof(fc.constantFrom(...words), fc.constantFrom("", "x", "search", "__proto__", "%2F"));
  const near = fc.constantFrom(...routes).chain(({ path }) =>
    fc.tuple(
      ...withValues(path)
        .split("/")
        .map((part) => fc.oneof({ weight: 4, arbitrary: fc.constant(part) }, segment)),
    ),
  );
  const method = fc.constantFrom("GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "get");
  let found = 0;
  fc.assert(
    fc.property(method, fc.oneof(near, fc.array(segment, { maxLength: 9 })), (verb, parts) => {
      const path = `/${parts.join("/").replace(/^\//, "")}`;
      const expected = ofWords(told(theirs.match(verb, path)));
      expect(told(ours.match(verb, path))).toEqual(expected);
      if (Array.isArray(expected) && expected.length > 1) found += 1;
    }),
    { numRuns: 5_000 },
  );
  expect(found).toBeGreaterThan(100);
});

test.each(["/a/:b?", "/a/*", "/a/:b{[0-9]+}", "/a/b:c"])(
  "a path that it does not know how to find is refused: %s",
  (path) => {
    expect(() => new SegmentRouter().add("GET", path, "handler")).toThrow();
  },
);

test("a middleware of some paths, or one that would come too late, is refused", () => {
  expect(() => new SegmentRouter().add("ALL", "/a/*", "handler")).toThrow();
  const router = new SegmentRouter();
  router.add("GET", "/a", "handler");
  expect(() => router.add("ALL", "*", "around")).toThrow();
});
