import { businesses } from "#cli/businesses.ts";
import { type Business, mintDemoKey, type Seeded, seedTenant } from "#cli/seed.ts";
import type { MemberClaims } from "#crypto/access-token.ts";
import { openDirectory } from "#db/directory.ts";
import { signingKeys } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { capabilities } from "#gate/capabilities.ts";
import type { Role } from "#gate/roles.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { accessClaims, signAccessToken } from "#test/token-issuer.ts";

export interface TestTenant extends Seeded {
  readonly slug: string;
  readonly business: Business;
  /** A key of every capability, and its id. */
  readonly key: string;
  readonly keyId: string;
}

/** A tenant of its own for one test: the demo's venue (eu1) or sign shop (us1) under a slug nobody has. */
export async function newTenant(
  kind: "cafe" | "signs" = "signs",
  changes: Partial<Business> = {},
): Promise<TestTenant> {
  const env = testEnv();
  const now = Date.now();
  await ensureDirectoryKeys(env, now);
  const model = kind === "cafe" ? businesses[0] : businesses[1];
  const slug = changes.slug ?? `${model.slug}-${newId("x").slice(-10)}`;
  const business = { ...model, ...changes, slug };
  const seeded = await seedTenant(env, business, now);
  if (!seeded) throw new Error("The slug was taken.");
  const { id: keyId, key } = await mintDemoKey(
    env,
    seeded.cell,
    seeded.tenantId,
    seeded.memberIds.owner,
    now,
  );
  return { ...seeded, slug, business, key, keyId };
}

/** Who a call is for and by: this tenant, with its key of every capability. */
export function as({ slug, key }: TestTenant) {
  return { tenant: slug, as: key };
}

/** An access token of this tenant's member of this role, by the key of the directory that signs now. */
export async function memberToken(
  tenant: TestTenant,
  role: Role,
  changes: Partial<MemberClaims> = {},
  env: TestEnv = testEnv(),
): Promise<string> {
  const directory = await openDirectory(env);
  const { keys } = await directory.read({ keys: many(signingKeys, { limit: 3 }) });
  const key = keys.find(({ signsFrom }) => Date.parse(signsFrom) <= Date.now());
  const claims = accessClaims(Math.floor(Date.now() / 1000), {
    iss: env.PUBLIC_ORIGIN,
    aud: env.PUBLIC_ORIGIN,
    tenant: tenant.tenantId,
    cell: tenant.cell.id,
    member: tenant.memberIds[role],
    scope: Object.keys(capabilities).join(" "),
    ...changes,
  });
  return await signAccessToken(JSON.parse(key?.privateJwk ?? "null"), claims);
}

/** The bindings with some replaced, for the `env` of one call. */
export function envWith(changes: Readonly<Record<string, unknown>>): TestEnv {
  return new Proxy(testEnv(), {
    get: (env, name) => Reflect.get(Object.hasOwn(changes, name) ? changes : env, name),
  });
}

/** Stands between the app and one batch: `run` commits it, and what is thrown is what the app sees of it. */
export type Tap = (texts: readonly string[], run: () => Promise<D1Result[]>) => Promise<D1Result[]>;

/** The database with every batch led through a tap: real statements, failing at a moment of the test's choosing. */
export function tapped(database: D1Database, tap: Tap): D1Database {
  return proxied(database, {
    withSession: (bookmark: string) => tappedSession(database.withSession(bookmark), tap),
  });
}

/** The database, where another act comes first, once, before the batch that has this statement. */
export function overtaken(database: D1Database, statement: string, act: () => Promise<unknown>) {
  let isDone = false;
  const raced = tapped(database, async (texts, commit) => {
    if (!isDone && texts.some((text) => text.startsWith(statement))) {
      isDone = true;
      await act();
    }
    return await commit();
  });
  return { database: raced, done: () => isDone };
}

function tappedSession(session: D1DatabaseSession, tap: Tap): D1DatabaseSession {
  const texts = new WeakMap<D1PreparedStatement, string>();
  return proxied(session, {
    prepare: (text: string) =>
      proxied(session.prepare(text), {
        bind(...values: unknown[]) {
          const bound = session.prepare(text).bind(...values);
          texts.set(bound, text);
          return bound;
        },
      }),
    batch: (statements: D1PreparedStatement[]) =>
      tap(
        statements.map((statement) => texts.get(statement) ?? ""),
        () => session.batch(statements),
      ),
  });
}

/** The object with some methods replaced; the others stay bound to it. */
export function proxied<T extends object>(object: T, methods: Readonly<Record<string, unknown>>): T {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Rows as they lie in the database, past the handle. */
export async function rowsOf<T = Record<string, unknown>>(
  database: D1Database,
  text: string,
  ...params: readonly unknown[]
): Promise<T[]> {
  return (
    await database
      .prepare(text)
      .bind(...params)
      .all<T>()
  ).results;
}

export type { Role };
