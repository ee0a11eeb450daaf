import { destroy, removeNamed } from "#db/changes.ts";
import { platformTenant, sessions, strangerMonths } from "#db/directory-tables.ts";
import { forgetRefreshes } from "#db/ended-sessions.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { expired, mostAtOnce, pastStrangers, unconfirmed } from "#identity/accounts/expired-rows.ts";
import {
  emailChanges,
  federatedArrivals,
  oneTimeLinks,
  signInChallenges,
  signUps,
  smsCodes,
  smsFactors,
  totpFactors,
} from "#identity/tables.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

const mostRounds = 20;

/**
 * Takes away sign-ups, links, sessions and half-done steps that are of no use to anybody any more, and destroys the keys of strangers of
 * long ago: a bounded number at each run. The audit keeps that they were there.
 */
export async function expireAccounts(env: Env, now: number): Promise<void> {
  for (let rounds = 0; rounds < mostRounds; rounds += 1) if (!(await expireSome(env, now))) return;
}

/** @returns whether more may be left */
async function expireSome(env: Env, now: number): Promise<boolean> {
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  const found = await directory.read({
    signUps: expired("signUps", now),
    links: expired("links", now),
    sessions: expired("sessions", now),
    arrivals: expired("arrivals", now),
    challenges: expired("challenges", now),
    emailChanges: expired("emailChanges", now),
    totps: unconfirmed("totps", now),
    smses: unconfirmed("smses", now),
    smsCodes: expired("smsCodes", now),
    strangers: pastStrangers(now),
  });
  const run = () => ({ job: "accounts.expire", requestId: newId("run"), now });
  const gone = [
    ...removeNamed(signUps, found.signUps),
    ...removeNamed(oneTimeLinks, found.links),
    ...removeNamed(sessions, found.sessions),
    ...removeNamed(emailChanges, found.emailChanges),
    ...removeNamed(federatedArrivals, found.arrivals),
    ...removeNamed(signInChallenges, found.challenges),
    ...removeNamed(totpFactors, found.totps),
    ...removeNamed(smsFactors, found.smses),
    ...removeNamed(smsCodes, found.smsCodes),
  ];
  // Of two runners at once one finds the others' rows gone, and does nothing.
  if (gone.length > 0) await commitAsSystem(directory, run(), gone);
  if (found.sessions.length > 0)
    await directory.execute([forgetRefreshes(found.sessions.map(({ id }) => id))]);
  for (const month of found.strangers)
    await commitAsSystem(directory, run(), [destroy(month.id, now), ...removeNamed(strangerMonths, [month])]);
  return Object.values(found).some((rows) => rows.length === mostAtOnce);
}
