import type { z } from "zod";
import type { Change } from "#db/changes.ts";
import { mustStand } from "#db/directory.ts";
import type { sessions, users } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { type Factors, stateOf } from "#identity/factors/factors.ts";
import { beginSession } from "#identity/sessions/begin-session.ts";
import type { Tokens } from "#identity/sessions/schema.ts";
import { timestamp } from "#lib/time.ts";
import { mailTo } from "#mail/outgoing.ts";

interface Proven {
  readonly user: Row<typeof users>;
  readonly methods: readonly string[];
  readonly isStrong: boolean;
  readonly factors: Factors;
  /** Their latest sessions: a device that none of them was on is told of by mail. */
  readonly earlier: readonly Row<typeof sessions>[];
  readonly sso?: string | null;
  readonly provedAt?: number | null;
}

/** Somebody has proved all that is asked of them: their session, and who is told of it. */
export async function letIn(
  context: DirectoryContext,
  { user, methods, isStrong, factors, earlier, sso = null, provedAt = null }: Proven,
): Promise<{ readonly tokens: z.output<typeof Tokens>; readonly changes: readonly Change[] }> {
  const { tokens, device, changes } = await beginSession(context, {
    user,
    methods,
    isStrong,
    factors: stateOf(factors),
    sso,
    provedAt,
  });
  const isKnown = earlier.some((each) => each.device === device);
  return {
    tokens,
    changes: [mustStand(user), ...changes, ...(isKnown ? [] : [newDevice(context, user, device)])],
  };
}

function newDevice(
  { accounts, now, visitor }: DirectoryContext,
  user: { id: string; email: string },
  device: string,
) {
  const data = {
    at: timestamp(now),
    device,
    place: visitor.place ?? "an unknown place",
    sessionsLink: `${accounts.issuer}/sessions`,
  };
  return mailTo({ kind: "new-device", to: user.email, data, userId: user.id }, now);
}
