import type { sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Membership } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";
import { hasOwnFactor, methodsOf } from "./methods.ts";

/** Proof by a code that was texted (RFC 8176). */
export const smsMethods = ["sms", "mfa"] as const;
/** By a recovery code of somebody who has nothing but SMS: it is worth what it stands in for. */
export const recoveryOfSmsMethods = ["sms-recovery", "mfa"] as const;

const weak: readonly string[] = ["sms", "sms-recovery"];

/** What of a session says how strong it is. */
export type Strength = Pick<Row<typeof sessions>, "methods" | "strongAt" | "provedAt">;

/** Is a telephone number all that such a session has besides a password: numbers are taken over, and texts read. */
export function restsOnSms(methods: readonly string[]): boolean {
  return methods.some((each) => weak.includes(each)) && !hasOwnFactor(methods);
}

/** Is SMS worth anything for this member: where their business says so, and never for the privileged. */
function acceptsSms({ role, allowsSms }: Pick<Membership, "role" | "allowsSms">): boolean {
  return allowsSms && !isElevated(role);
}

/**
 * A session as it counts for this member: where SMS is worth nothing it is as if no code had ever been asked for, from the
 * password on, and its tokens say so.
 */
export function countedFor<S extends Strength>(
  member: Pick<Membership, "role" | "allowsSms">,
  session: S,
): S {
  const methods = methodsOf(session);
  if (!restsOnSms(methods) || acceptsSms(member)) return session;
  const left = methods.filter((each) => each !== "mfa" && !weak.includes(each));
  return { ...session, methods: JSON.stringify(left), strongAt: null, provedAt: null };
}
