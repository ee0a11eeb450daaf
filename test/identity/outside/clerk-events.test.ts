import { expect, test } from "vitest";
import { parseClerkEvent } from "#identity/outside/clerk-events.ts";
import { utf8 } from "#lib/utf8.ts";

// As in Clerk's documentation, shortened.
const created = {
  data: {
    created_at: 1654013203217,
    id: "orgmem_29w9IptNja3mP8GDXpquBwN2qR9",
    object: "organization_membership",
    organization: { id: "org_29w9IfBrPmcpi0IeBVaKtA7R94W", name: "Acme Inc", object: "organization" },
    public_metadata: {},
    public_user_data: {
      first_name: "Example",
      identifier: "example@example.org",
      user_id: "user_29w83sxmDNGwOuEthce5gg56FcC",
    },
    role: "org:admin",
    updated_at: 1654013203218,
  },
  event_attributes: { http_request: { client_ip: "0.0.0.0", user_agent: "" } },
  instance_id: "ins_123",
  object: "event",
  timestamp: 1654013203220,
  type: "organizationMembership.created",
};

test("a membership's event is the organization, the person and the news", () => {
  expect(parse(created)).toEqual({
    kind: "membership",
    organization: "org_29w9IfBrPmcpi0IeBVaKtA7R94W",
    subject: "user_29w83sxmDNGwOuEthce5gg56FcC",
    news: {
      membership: "orgmem_29w9IptNja3mP8GDXpquBwN2qR9",
      role: "org:admin",
      joinedMs: 1654013203217,
      changedMs: 1654013203218,
      isRemoval: false,
    },
  });
  expect(parse({ ...created, type: "organizationMembership.deleted" })).toMatchObject({
    news: { isRemoval: true },
  });
  expect(parse({ ...created, type: "organizationMembership.updated" })).toMatchObject({
    news: { isRemoval: false },
  });
});

test("deletions name who is gone", () => {
  const data = { deleted: true, id: "user_1", object: "user" };
  expect(parse({ type: "user.deleted", data })).toEqual({ kind: "user-deleted", subject: "user_1" });
  expect(parse({ type: "organization.deleted", data: { ...data, id: "org_1" } })).toEqual({
    kind: "organization-deleted",
    organization: "org_1",
  });
});

test("what is about something else is nothing to us", () => {
  for (const type of [
    "user.created",
    "session.ended",
    "organizationInvitation.created",
    "toString",
    "later.type",
  ])
    expect(parse({ ...created, type })).toBeNull();
});

test("what has not the form that we know is told apart", () => {
  const { data } = created;
  const others: unknown[] = [
    {},
    [],
    { type: 7 },
    { type: "" },
    { type: "user.deleted" },
    { type: "user.deleted", data: {} },
    { type: "user.deleted", data: { id: "" } },
    { ...created, data: { ...data, role: null } },
    { ...created, data: { ...data, role: undefined } },
    { ...created, data: { ...data, updated_at: "2026-01-01" } },
    { ...created, data: { ...data, updated_at: 1.5 } },
    { ...created, data: { ...data, created_at: -1 } },
    { ...created, data: { ...data, organization: undefined } },
    { ...created, data: { ...data, public_user_data: null } },
    { ...created, data: { ...data, public_user_data: { user_id: "u".repeat(256) } } },
  ];
  for (const other of others) expect([other, parse(other)]).toEqual([other, "malformed"]);
  for (const text of ["", "{", "null", "\ufeff{}"]) expect(parseClerkEvent(utf8(text))).toBe("malformed");
});

function parse(event: unknown) {
  return parseClerkEvent(utf8(JSON.stringify(event)));
}
