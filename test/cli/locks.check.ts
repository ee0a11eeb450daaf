import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, beforeEach, test } from "node:test";
import { lockFaults, lockOf, type Rule, withLock } from "#cli/bucket-locks.ts";
import { type StandIn, startStandIn } from "./cloudflare-stand-in.ts";

// `npm run keyline -- locks …` as it is typed, over HTTP to a stand-in of Cloudflare's API.

const buckets = [
  "default/keyline-audit-log-platform",
  "default/keyline-audit-log-us1",
  "eu/keyline-audit-log-eu1",
];
const ours: Rule = { id: "keyline-audit-log", enabled: true, prefix: "", condition: { type: "Indefinite" } };
const month: Rule = {
  id: "month",
  enabled: true,
  prefix: "",
  condition: { type: "Age", maxAgeSeconds: 2_592_000 },
};
let api: StandIn;

before(async () => {
  api = await startStandIn();
});

beforeEach(() => {
  api.locks.clear();
  for (const bucket of [...buckets, "default/keyline-files-us1", "eu/keyline-files-eu1"])
    api.locks.set(bucket, []);
  api.puts.length = 0;
  api.isReadOnly = false;
});

after(() => api.stop());

test("buckets without a lock are named, then locked once, each in its jurisdiction and no other", async () => {
  const before = await keyline("check");
  assert.equal(before.code, 1);
  for (const bucket of buckets)
    assert.match(before.said, new RegExp(`^${nameOf(bucket)} has no lock rule\\.$`, "m"));
  assert.match(before.said, /npm run keyline -- locks set/);

  const set = await keyline("set");
  assert.deepEqual(
    [set.code, set.said],
    [0, buckets.map((each) => `${nameOf(each)} is locked for good.\n`).join("")],
  );
  assert.deepEqual(api.puts, buckets);
  for (const bucket of buckets) assert.deepEqual(api.locks.get(bucket), [ours]);
  assert.deepEqual(api.locks.get("default/keyline-files-us1"), []);

  assert.equal((await keyline("set")).code, 0);
  assert.equal((await keyline("check")).code, 0);
  assert.deepEqual(api.puts, buckets);
});

test("a weaker rule is named with what it lacks, and stays beside ours with all that it said", async () => {
  const strange = { ...month, note: "kept as it came" };
  const tiles = { ...ours, id: "tiles", prefix: "tile/" };
  const off = { ...ours, enabled: false };
  const [platform = "", us1 = "", eu1 = ""] = buckets;
  api.locks
    .set(platform, [strange])
    .set(us1, [tiles, off])
    .set(eu1, [{ ...ours, id: "by-hand" }]);
  const { code, said } = await keyline("check");
  assert.equal(code, 1);
  assert.match(said, /platform has the rule month, which locks for 30 days only\./);
  assert.match(said, /us1 has the rule tiles, which locks only what begins with "tile\/"\./);
  assert.match(said, /us1 has the rule keyline-audit-log, which is switched off\./);
  assert.match(said, /eu1 is locked for good\./);

  assert.equal((await keyline("set")).code, 0);
  assert.deepEqual(api.locks.get(platform), [strange, ours]);
  assert.deepEqual(api.locks.get(us1), [tiles, ours]);
  assert.deepEqual(api.locks.get(eu1), [{ ...ours, id: "by-hand" }]);
  assert.deepEqual(api.puts, [platform, us1]);
});

test("a bucket that is not there, and a token that may not lock, are told, and the others are locked", async () => {
  const [platform = "", us1 = "", eu1 = ""] = buckets;
  api.locks.delete(us1);
  const { code, said } = await keyline("set");
  assert.equal(code, 1);
  assert.match(said, /us1 could not be locked: .* 404: The specified bucket does not exist\./);
  assert.deepEqual(api.puts, [platform, eu1]);

  api.locks.set(us1, []);
  api.isReadOnly = true;
  assert.match((await keyline("set")).said, /us1 could not be locked: .* 403: Forbidden/);
  const stranger = await keyline("check", { CLOUDFLARE_API_TOKEN: "of-somebody-else" });
  assert.equal(stranger.code, 1);
  assert.match(stranger.said, /eu1 could not be looked at: .* 401: Authentication error/);
  assert.doesNotMatch(stranger.said, /of-somebody-else|\n {4}at /);
});

test("no rule but one that is on, for all and for good locks a bucket, and only the audit log's are", () => {
  assert.deepEqual(lockFaults([{ ...ours, prefix: undefined }]), []);
  assert.deepEqual(lockFaults([month, ours]), []);
  const until: Rule = { ...month, condition: { type: "Date", date: "2030-01-01T00:00:00Z" } };
  assert.deepEqual(lockFaults([until]), ["has the rule month, which locks until 2030-01-01T00:00:00Z only"]);
  assert.deepEqual(withLock([{ ...month, id: ours.id }], ours), [ours]);
  const bucket = (binding: string) => ({ binding, name: "x", jurisdiction: null });
  assert.deepEqual(lockOf(bucket("AUDIT_LOG_EU1")), ours);
  for (const binding of ["FILES_US1", "CALL_ARCHIVE_US1", "MY_AUDIT_LOG_US1"])
    assert.equal(lockOf(bucket(binding)), null);
});

function nameOf(bucket: string): string {
  return bucket.split("/")[1] ?? "";
}

async function keyline(what: string, changes: Record<string, string> = {}) {
  const env = { ...process.env, ...api.environment, ...changes };
  return await new Promise<{ code: number; said: string }>((resolve) =>
    execFile("node", ["src/cli/keyline.ts", "locks", what], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    ),
  );
}
