import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";

// A cell as code of before the migration left it, and what that code goes on writing until the new one is deployed.

const migration = "migrations/cell/0016_webhook_secret_age.sql";
const older = globSync("migrations/cell/*.sql")
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path < migration)
  .toSorted();

test("endpoints of before are as old as they are, with their first secret; so is one that is made meanwhile", () => {
  assert.equal(older.length, 15);
  const database = new DatabaseSync(":memory:");
  for (const path of older) database.exec(readFileSync(path, "utf8"));
  endpoint(database, "whe_1", "2025-01-01T00:00:00.000Z", "2025-06-01T00:00:00.000Z");
  endpoint(database, "whe_2", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z");
  const before = database.prepare("select * from webhook_endpoints order by id").all();
  database.exec(readFileSync(migration, "utf8"));
  endpoint(database, "whe_3", "2026-02-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z");

  const rows = database.prepare("select * from webhook_endpoints order by id").all();
  const [first, second, third] = rows.map(
    ({ secret_created_at, secret_version, secret_told_version, ...rest }) => ({
      ages: [secret_created_at, secret_version, secret_told_version],
      rest,
    }),
  );
  assert.deepEqual(first?.ages, ["2025-01-01T00:00:00.000Z", 1, 0]);
  assert.deepEqual(second?.ages, ["2026-01-01T00:00:00.000Z", 1, 0]);
  assert.deepEqual(third?.ages, [null, 1, 0]);
  assert.deepEqual(
    [first?.rest, second?.rest].map((row) => ({ ...row })),
    before.map((row) => ({ ...row })),
  );
  database.close();
});

function endpoint(database: DatabaseSync, id: string, createdAt: string, updatedAt: string): void {
  database
    .prepare(
      "insert into webhook_endpoints (tenant_id, id, url, host, event_types, creator_id, secret, state, enabled_at, version, created_at, updated_at) values ('ten_x', ?, 'v1.x', 'shop.example', '[]', 'mbr_x', 'v1.y', 'enabled', ?, 2, ?, ?)",
    )
    .run(id, createdAt, createdAt, updatedAt);
}
