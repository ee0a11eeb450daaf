import { z } from "zod";
import { parseJsonObject } from "#crypto/jws.ts";
import type { MembershipNews } from "./membership-rules.ts";

/** What of Clerk's events concerns members. */
export type ClerkEvent =
  | {
      readonly kind: "membership";
      readonly organization: string;
      readonly subject: string;
      readonly news: MembershipNews;
    }
  | { readonly kind: "user-deleted"; readonly subject: string }
  | { readonly kind: "organization-deleted"; readonly organization: string };

const id = z.string().min(1).max(255);
const ms = z.int().nonnegative();

const Membership = z.object({
  type: z.enum([
    "organizationMembership.created",
    "organizationMembership.updated",
    "organizationMembership.deleted",
  ]),
  data: z.object({
    id,
    role: id,
    created_at: ms,
    updated_at: ms,
    organization: z.object({ id }),
    public_user_data: z.object({ user_id: id }),
  }),
});
const Deletion = z.object({
  type: z.enum(["user.deleted", "organization.deleted"]),
  data: z.object({ id }),
});
const Known = z.discriminatedUnion("type", [Membership, Deletion]);
const Any = z.object({ type: id });
const knownTypes: readonly string[] = [...Membership.shape.type.options, ...Deletion.shape.type.options];

/** null where the event is about something else; "malformed" where it is none, or not of the form that we know. */
export function parseClerkEvent(body: Uint8Array<ArrayBuffer>): ClerkEvent | null | "malformed" {
  const json = parseJsonObject(body);
  const any = Any.safeParse(json);
  if (!any.success) return "malformed";
  if (!knownTypes.includes(any.data.type)) return null;
  const known = Known.safeParse(json);
  return known.success ? eventOf(known.data) : "malformed";
}

function eventOf(event: z.infer<typeof Known>): ClerkEvent {
  switch (event.type) {
    case "user.deleted":
      return { kind: "user-deleted", subject: event.data.id };
    case "organization.deleted":
      return { kind: "organization-deleted", organization: event.data.id };
    default:
      return {
        kind: "membership",
        organization: event.data.organization.id,
        subject: event.data.public_user_data.user_id,
        news: {
          membership: event.data.id,
          role: event.data.role,
          joinedMs: event.data.created_at,
          changedMs: event.data.updated_at,
          isRemoval: event.type === "organizationMembership.deleted",
        },
      };
  }
}
