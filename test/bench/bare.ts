import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";
import { hashPassword, verifyPassword } from "#crypto/argon2id.ts";

// What the bench compares with: a Worker that does the same trips and nothing else. It logs one line as we do.

interface BareEnv {
  readonly GATES: DurableObjectNamespace<Gate>;
  readonly CELL_US1: D1Database;
}

/** A principal's object without rights and limits. */
export class Gate extends DurableObject<BareEnv> {
  async ask(name: string): Promise<{ name: string; admitted: boolean }> {
    return { name, admitted: true };
  }
}

/** Bound by wrangler.toml as well, and asked nothing. */
export class AuditTree extends DurableObject<BareEnv> {}
export class Lockout extends DurableObject<BareEnv> {}
export class Budget extends DurableObject<BareEnv> {}

/** The same. */
export class Mailbox extends DurableObject<BareEnv> {}

export const app = new Hono<{ Bindings: BareEnv }>();

app.use(async (c, next) => {
  const startedAt = Date.now();
  await next();
  const { status } = c.res;
  console.info(JSON.stringify({ level: "info", message: "request", status, ms: Date.now() - startedAt }));
});

app.get("/ping/:name", async (c) => {
  const name = c.req.param("name");
  return c.json(await c.env.GATES.getByName(name).ask(name));
});

app.get("/orders/:tenantId/:id", async (c) => {
  const { tenantId, id } = c.req.param();
  const order = await c.env.CELL_US1.prepare("select * from bare_orders where tenant_id = ? and id = ?")
    .bind(tenantId, id)
    .first();
  return order ? c.json(order) : c.notFound();
});

const stored = new Map<string, Promise<string>>();

/** What a password costs whoever looks at it: the same hash, a read and a batch. */
app.post("/sign-in/:statements", async (c) => {
  const { password } = await c.req.json<{ password: string }>();
  const now = Date.now();
  const phc = stored.get(password) ?? hashPassword(password, now);
  stored.set(password, phc);
  await c.env.CELL_US1.prepare("select * from bare_rows where tenant_id = ? and id = ?")
    .bind("x", "x")
    .first();
  const { isMatch } = await verifyPassword(password, await phc, now);
  const insert = c.env.CELL_US1.prepare(
    "insert into bare_rows (tenant_id, id, kind, data, created_at) values (?, ?, ?, ?, ?)",
  );
  const rows = Array.from({ length: Number(c.req.param("statements")) }, () => crypto.randomUUID());
  await c.env.CELL_US1.batch(
    rows.map((id) => insert.bind("x", id, "session", "{}", new Date(now).toISOString())),
  );
  return c.json({ isMatch }, isMatch ? 201 : 401);
});

app.post("/rows/:tenantId/:statements", async (c) => {
  const { tenantId, statements } = c.req.param();
  const body = await c.req.json<object>();
  const data = JSON.stringify(body);
  const now = new Date().toISOString();
  const rows = Array.from({ length: Number(statements) }, () => crypto.randomUUID());
  const insert = c.env.CELL_US1.prepare(
    "insert into bare_rows (tenant_id, id, kind, data, created_at) values (?, ?, ?, ?, ?)",
  );
  await c.env.CELL_US1.batch(rows.map((id) => insert.bind(tenantId, id, "order", data, now)));
  return c.json({ id: rows[0], ...body, createdAt: now }, 201);
});
