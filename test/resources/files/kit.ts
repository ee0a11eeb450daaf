import { expect } from "vitest";
import { sweepFiles } from "#jobs/sweep-files.ts";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { encodeHex } from "#lib/hex.ts";
import { utf8 } from "#lib/utf8.ts";
import { cellOf, type Files } from "#platform/cells.ts";
import { registry } from "#resources/index.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { rowsOf, type TestTenant } from "#test/world.ts";

const client = clientOf();
export const { call, send } = client;

export type Bytes = Uint8Array<ArrayBuffer>;

/** A PDF of this many bytes, each of them another. */
export function pdf(size = 1000, seed = 1): Bytes {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = state >>> 16;
  }
  bytes.set(utf8("%PDF-1.7\n").subarray(0, size));
  return bytes;
}

export async function sha256(bytes: Bytes): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** By their hash: of megabytes that differ no assertion should print the difference. */
export async function expectBytes(answer: Answer, bytes: Bytes): Promise<void> {
  expect(answer.bytes.length).toBe(bytes.length);
  expect(await sha256(new Uint8Array(answer.bytes))).toBe(await sha256(bytes));
}

export async function contentDigest(bytes: Bytes): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
}

export function ask({ slug, key }: TestTenant, name: string, input: Call = {}): Promise<Answer> {
  return call(name, { tenant: slug, as: key, ...input });
}

/** A file of the tenant's order whose bytes are awaited. */
export async function announced(tenant: TestTenant, body: object = {}): Promise<string> {
  const given = { name: "proof.pdf", mediaType: "application/pdf", orderId: tenant.orderId, ...body };
  const answer = await ask(tenant, "files.create", { body: given });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id;
}

export function put(tenant: TestTenant, fileId: string, bytes: Bytes, more: Call = {}): Promise<Answer> {
  return ask(tenant, "files.upload", { params: { fileId }, bytes, ...more });
}

/** A file that is ready. */
export async function uploaded(tenant: TestTenant, bytes: Bytes = pdf(), body: object = {}): Promise<string> {
  const fileId = await announced(tenant, body);
  const answer = await put(tenant, fileId, bytes);
  expect(answer.status, answer.text).toBe(200);
  return fileId;
}

/** The least that R2 takes as a part. */
export const MiB5 = 5 * 1024 * 1024;

export async function begun(tenant: TestTenant, size: number, body: object = {}): Promise<string> {
  const fileId = await announced(tenant, body);
  const answer = await ask(tenant, "files.begin", { params: { fileId }, body: { size, partSize: MiB5 } });
  expect(answer.status, answer.text).toBe(201);
  return fileId;
}

export function putPart(
  tenant: TestTenant,
  fileId: string,
  number: number,
  whole: Bytes,
  more: Call = {},
): Promise<Answer> {
  const bytes = whole.slice((number - 1) * MiB5, number * MiB5);
  return ask(tenant, "files.uploadPart", { params: { fileId, number: String(number) }, bytes, ...more });
}

/** A PDF of two whole parts and a rest. */
export const threeParts = pdf(2 * MiB5 + 1234);

/** A file of which all parts have arrived. */
export async function inParts(tenant: TestTenant, body: object = {}, bytes = threeParts): Promise<string> {
  const fileId = await begun(tenant, bytes.length, body);
  for (const number of [1, 2, 3]) {
    const answer = await putPart(tenant, fileId, number, bytes);
    expect(answer.status, answer.text).toBe(200);
  }
  return fileId;
}

export function complete(
  tenant: TestTenant,
  fileId: string,
  headers: Record<string, string> = {},
  env?: TestEnv,
): Promise<Answer> {
  return ask(tenant, "files.complete", { params: { fileId }, headers, ...(env ? { env } : {}) });
}

export async function getFile(tenant: TestTenant, fileId: string) {
  return (await ask(tenant, "files.get", { params: { fileId } })).json;
}

/** The ids on the first page, without the seed's. */
export async function listed(tenant: TestTenant, query: Record<string, string>): Promise<string[]> {
  const answer = await ask(tenant, "files.list", { query });
  expect(answer.status, answer.text).toBe(200);
  return answer.json.data.map(({ id }: { id: string }) => id).filter((id: string) => id !== tenant.fileId);
}

export function download(
  tenant: TestTenant,
  fileId: string,
  headers: Record<string, string> = {},
  query: Record<string, string> = {},
): Promise<Answer> {
  return ask(tenant, "files.download", { params: { fileId }, headers, query });
}

export function bucketOf({ cell }: TestTenant): Files {
  return cell.files;
}

/** The keys of the tenant's objects, without the one of its seed. */
export async function objectsOf(tenant: TestTenant): Promise<string[]> {
  const { objects } = await bucketOf(tenant).list({ prefix: `${tenant.tenantId}/` });
  return objects.map(({ key }) => key).filter((key) => !key.includes(tenant.fileId));
}

/** What of this tenant's files lies in the database, past the handle, without the seed's. */
export async function rowsLeft({ cell, tenantId, fileId }: TestTenant) {
  const count = async (text: string) => (await rowsOf(cell.database, text, tenantId, fileId)).length;
  return {
    files: await count("select 1 from files where tenant_id = ? and id <> ?"),
    parts: await count("select 1 from file_parts where tenant_id = ? and file_id <> ?"),
  };
}

export async function intentsOf({ cell, tenantId }: TestTenant): Promise<unknown[]> {
  const rows = await rowsOf(
    cell.database,
    "select operation, state from intents where tenant_id = ? order by created_at, id",
    tenantId,
  );
  return rows.map(({ operation, state }) => `${operation} ${state}`);
}

export async function eventsOf({ cell, tenantId }: TestTenant, fileId: string): Promise<string[]> {
  const rows = await rowsOf<{ type: string; data: string }>(
    cell.database,
    "select type, data from events where tenant_id = ? and type like 'file.%' order by seq",
    tenantId,
  );
  return rows.filter(({ data }) => JSON.parse(data).fileId === fileId).map(({ type }) => type);
}

/** What cron does for files, at this moment and in the minutes after it: other tests' files are due too. */
export async function sweep({ cell }: TestTenant, env: TestEnv = testEnv()): Promise<void> {
  const swept = cellOf(env, cell.id);
  if (!swept) throw new Error(`There is no cell ${cell.id}.`);
  await sweepIntents(env, swept, registry, Date.now());
  for (let minute = 0; minute < 5; minute += 1) await sweepFiles(env, swept, Date.now());
}
