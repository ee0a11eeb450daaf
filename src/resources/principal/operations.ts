import { z } from "zod";
import { one } from "#db/queries.ts";
import { listOf } from "#gate/capabilities.ts";
import { apiKeys, members } from "#gate/tables.ts";
import { told, toldId, toldList } from "#http/fields.ts";
import { anyPrincipal, readOperation } from "#http/operation.ts";

const Me = z
  .object({
    kind: z.enum(["member", "api-key", "client", "support-agent"]),
    id: told(100, "mbr_01jd5r0t6vf3h8k2m4n6p8q0rs"),
    name: told(200, "Ada Lovelace").nullable().meta({ description: "Of the member, or the key." }),
    role: told(40, "manager").nullable().meta({ description: "Of a member; null for a program." }),
    tenantId: toldId("ten"),
    slug: told(64, "harbour"),
    capabilities: toldList(told(64, "orders:read"), 128).meta({
      description: "What these credentials may do: role and grants without denials, within their own scope.",
    }),
    allLocations: z.boolean(),
    locationIds: toldList(toldId("loc"), 50).meta({ description: "Where, unless everywhere." }),
    assignedOnly: z.boolean().meta({ description: "Of what is somebody's, only what is assigned to you." }),
  })
  .meta({ id: "EffectiveRights" });

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/me",
  summary: "Read what your credentials may do here, and where",
  can: anyPrincipal({ because: "everybody may know what they may do" }),
  store: "cell",
  returns: Me,
  problems: [],
  async run({ tenant, principal }) {
    // From the cell, so that rights which were taken away are shown no longer.
    const { member, key } = await tenant.read({
      member: one(members, principal.id),
      key: one(apiKeys, principal.id),
    });
    const { kind, id, tenantId, slug, capabilities, locations, assigneeId } = principal;
    return {
      kind: kind === "system" ? "client" : kind,
      id,
      name: member?.name ?? key?.name ?? null,
      role: member?.role ?? null,
      tenantId,
      slug,
      capabilities: listOf(capabilities),
      allLocations: locations === null,
      locationIds: [...(locations ?? [])],
      assignedOnly: assigneeId !== null,
    };
  },
});
