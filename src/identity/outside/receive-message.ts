import { messageRefusal, messageSecret, type SignedMessage } from "#crypto/svix-signature.ts";
import type { RecordDraft } from "#db/commit.ts";
import { openDirectory } from "#db/directory.ts";
import { systemSession } from "#db/open-tenant.ts";
import { type ReplayKey, recordDraft, replayKey, replayQuery } from "#db/replay.ts";
import type { SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { type OutsideIssuer, outsideIssuers, termsOf } from "#gate/outside-issuers.ts";
import { afterCommit } from "#http/after-commit.ts";
import type { MessageOutcome } from "#http/protocol-operation.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { type ClerkEvent, parseClerkEvent } from "./clerk-events.ts";
import { endIdentity, placesOf } from "./ended-people.ts";
import { standingAfter, standingEnded } from "./membership-rules.ts";
import { unlinkOrganization } from "./organizations.ts";
import { claimPerson } from "./people.ts";
import { changeStanding, type Placed, type StandingChange } from "./standing.ts";

const job = "outside-issuers.receive";
// Svix tries for a day and keeps messages, to be sent again by hand, for longer.
const remembersDays = 30;

/** Takes in what an outside issuer tells of its members: verified, then done once, whatever dies on the way. */
export async function receiveMessage(
  env: Env,
  issuerName: string,
  message: SignedMessage,
  given: { readonly now: number; readonly requestId: string },
): Promise<MessageOutcome> {
  const issuer = outsideIssuers(env).find(({ name, claims }) => name === issuerName && claims === "clerk");
  const secrets = issuer ? secretsOf(env, issuer.name) : [];
  if (!issuer || secrets.length === 0) return "unknown-issuer";
  if (await messageRefusal(message, secrets, Math.floor(given.now / 1000))) return "not-genuine";
  const event = parseClerkEvent(message.body);
  if (event === "malformed") return "malformed";
  if (event === null) return "ignored";
  return await take(
    { env, issuer, messageId: message.id ?? "", run: { job, actorId: issuer.name, ...given } },
    event,
  );
}

/** @throws Error where OUTSIDE_ISSUER_SECRETS is malformed; it says nothing of what stands there */
export function secretsOf(env: Env, issuerName: string): Uint8Array<ArrayBuffer>[] {
  return (env.OUTSIDE_ISSUER_SECRETS ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .flatMap((entry) => {
      const [, name, text = ""] = /^([a-z][a-z0-9-]*):(.+)$/.exec(entry) ?? [];
      const secret = messageSecret(text);
      if (!secret) throw new Error("OUTSIDE_ISSUER_SECRETS is malformed: entries are <name>:whsec_…");
      return name === issuerName ? [secret] : [];
    });
}

/** A message on its way in: of whom, which, and the run that its changes are written by. */
interface Taking {
  readonly env: Env;
  readonly issuer: OutsideIssuer;
  readonly messageId: string;
  readonly run: SystemRun;
}

async function take(taking: Taking, event: ClerkEvent): Promise<MessageOutcome> {
  switch (event.kind) {
    case "membership":
      return await takeMembership(taking, event);
    case "user-deleted":
      return await takeUserDeletion(taking, event.subject);
    case "organization-deleted":
      return await takeOrganizationDeletion(taking, event.organization);
  }
}

async function takeMembership(
  taking: Taking,
  { organization, subject, news }: ClerkEvent & { kind: "membership" },
): Promise<MessageOutcome> {
  const { env, issuer, run } = taking;
  const pointer = await claimPerson(env, { issuer: issuer.issuer, organization, subject }, run);
  if (pointer === null) return "ignored";
  return await tell(taking, pointer, { after: (before) => standingAfter(before, news), asksForLink: true });
}

// The identity is ended before its places are read, so that no place can come about afterwards.
async function takeUserDeletion(taking: Taking, subject: string): Promise<MessageOutcome> {
  const { env, issuer, run } = taking;
  const identityId = await endIdentity(env, { issuer: issuer.issuer, subject }, run);
  if (identityId === null) return "ignored";
  for (const place of await placesOf(env, identityId))
    await tell(taking, place, { after: standingEnded, asksForLink: false });
  return "done";
}

async function takeOrganizationDeletion(taking: Taking, organization: string): Promise<MessageOutcome> {
  const { env, issuer, run } = taking;
  const directory = await openDirectory(env);
  const key = await keyOf(directory, issuer.name, taking.messageId);
  const { before } = await directory.read({ before: replayQuery(key, run.now) });
  if (before) return "done";
  const outcome = await unlinkOrganization(env, { issuer: issuer.issuer, organization }, run, {
    tell: (...commit) => afterCommit(env, ...commit),
    record: recordOf(key, run),
  });
  if (outcome === "more") return "try-again";
  return outcome === "unlinked" ? "done" : "ignored";
}

async function tell(
  { env, issuer, messageId, run }: Taking,
  place: Placed & { readonly tenantId: string; readonly cell: string },
  change: Pick<StandingChange, "after" | "asksForLink">,
): Promise<MessageOutcome> {
  const cell = cellOf(env, place.cell);
  if (!cell) throw new Error("The directory names a cell that this deployment does not have.");
  const session = await systemSession(env, cell.database, place.tenantId);
  const record = recordOf(await keyOf(session, place.organizationId, messageId), run);
  const outcome = await changeStanding(
    session,
    place,
    { ...change, termsOf: (role) => termsOf(issuer, role), record },
    run,
  );
  if (outcome.kind === "unlinked") return "ignored";
  if (outcome.kind === "committed") await afterCommit(env, cell, place.tenantId, outcome.changes);
  return "done";
}

// What was told once is not told again, even where it would be new again; remembered with what it changed.
async function keyOf(session: TenantSession, principalId: string, messageId: string): Promise<ReplayKey> {
  return await replayKey(session.keys, { principalId, operation: job, key: messageId, request: "" });
}

function recordOf(key: ReplayKey, { now }: SystemRun): RecordDraft {
  const seal = async () => ({ answer: null, subjectId: null });
  return recordDraft(key, { status: 204, intentId: null, seal, now, days: remembersDays });
}
