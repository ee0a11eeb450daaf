import { eq, ne, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, remove as deletion, emit, insert, mustNotExist } from "#db/changes.ts";
import { many } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import type { Row } from "#db/tenant-table.ts";
import { type CapabilityMask, isSubset, listOf, maskOf, storedMask } from "#gate/capabilities.ts";
import { mostRoles } from "#gate/giving.ts";
import { invitations } from "#gate/invitation-tables.ts";
import { holdsElevated } from "#gate/rights.ts";
import { roles as fixedRoles } from "#gate/roles.ts";
import { members, roles } from "#gate/tables.ts";
import { line, stored, told, toldId, toldList } from "#http/fields.ts";
import { isLimited } from "#http/limited.ts";
import { type Principal, readOperation, writeOperation } from "#http/operation.ts";
import { commit, type Refusal, refuse, refuseField } from "#http/outcome.ts";
import { typeId } from "#lib/typeid.ts";
import { Capabilities, ToldCapabilities } from "#resources/members/schema.ts";

const params = z.object({ roleId: typeId("rol") });
const scope = z.enum(["tenant", "assigned"]).meta({
  description:
    "What of the business its members see: all of it, or their locations of it; or what is assigned to them.",
});
const Role = z
  .object({
    id: toldId("rol"),
    name: told(60, "Weekend help"),
    capabilities: ToldCapabilities,
    scope,
    ...stored,
  })
  .meta({ id: "Role" });
const FixedRole = z
  .object({
    role: told(40, "staff"),
    label: told(40, "Staff"),
    capabilities: ToldCapabilities,
    scope: z.enum(["tenant", "locations", "assigned"]),
  })
  .meta({ id: "FixedRole" });
const fields = {
  name: line(60).meta({ examples: ["Weekend help"] }),
  capabilities: Capabilities.min(1),
};
const NewRole = z.strictObject({ ...fields, scope: scope.default("tenant") }).meta({ id: "NewRole" });
const RolePatch = z
  .strictObject({ ...fields, scope })
  .partial()
  .meta({ id: "RolePatch" });

const fixed = Object.entries(fixedRoles).map(([role, { label, capabilities, scope }]) => ({
  role,
  label,
  capabilities: [...capabilities],
  scope,
}));

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/roles",
  summary: "List the roles: the fixed ones, and those of the business's own",
  can: "members:read",
  store: "cell",
  returns: z
    .object({ fixed: toldList(FixedRole, 20), data: toldList(Role, mostRoles) })
    .meta({ id: "Roles" }),
  problems: [],
  async run({ tenant }) {
    const { rows } = await tenant.read({ rows: many(roles, { limit: mostRoles }) });
    return { fixed, data: rows.map(present) };
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/roles/{roleId}",
  summary: "Read a role of the business's own",
  can: "members:read",
  store: "cell",
  params,
  returns: Role,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(roles, params.roleId);
    return row ? present(row) : refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/roles",
  summary: "Define a role of the business's own",
  can: "roles:write",
  recordRefusal: true,
  store: "cell",
  body: NewRole,
  returns: Role,
  status: 201,
  problems: ["invalid", "forbidden", "rights-exceed-yours", "role-name-taken", "too-many-roles"],
  async run({ principal, now, newId }, { body: { name, capabilities, scope } }) {
    const mask = maskOf(capabilities);
    const refusal = excessIn(mask, principal);
    if (refusal) return refusal;
    const created = insert(roles, { id: newId("rol"), name, capabilities: mask, scope }, now);
    const isFull = sql`(select count(*) from ${roles} where ${roles.tenantId} = ${principal.tenantId}) >= ${mostRoles}`;
    return commit(
      present(created.row),
      mustNotExist(roles, eq(roles.name, name), { problem: "role-name-taken" }),
      mustNotExist(roles, isFull, { problem: "too-many-roles" }),
      created,
      emit("role.created", { roleId: created.row.id }, { table: roles, row: created.row }),
    );
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/roles/{roleId}",
  summary: "Change a role; what its members may do changes with their next request",
  can: "roles:write",
  recordRefusal: true,
  store: "cell",
  params,
  body: RolePatch,
  returns: Role,
  problems: [
    "invalid",
    "not-found",
    "forbidden",
    "rights-exceed-yours",
    "role-name-taken",
    "conflict",
    "precondition-failed",
  ],
  async run({ tenant, principal, now }, { params, body }) {
    const row = await tenant.get(roles, params.roleId);
    if (!row) return refuse("not-found");
    const { name, scope } = body;
    const capabilities = body.capabilities && maskOf(body.capabilities);
    // Of what it holds already as well: its members may do more than whoever holds less of it than they.
    const refusal =
      excessIn(storedMask(row.capabilities), principal) ??
      excessIn(capabilities ?? storedMask(row.capabilities), principal);
    if (refusal) return refusal;
    const changed = change(roles, row, { name, scope, capabilities }, now);
    return commit(
      present(changed.row),
      ...(name === undefined
        ? []
        : [
            mustNotExist(roles, all(eq(roles.name, name), ne(roles.id, row.id)), {
              problem: "role-name-taken",
            }),
          ]),
      changed,
      emit("role.updated", { roleId: row.id }, { table: roles, row }),
    );
  },
});

export const remove = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/roles/{roleId}",
  summary: "Remove a role that nobody has",
  can: "roles:write",
  recordRefusal: true,
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: [
    "not-found",
    "forbidden",
    "rights-exceed-yours",
    "role-in-use",
    "conflict",
    "precondition-failed",
  ],
  async run({ tenant, principal }, { params }) {
    const row = await tenant.get(roles, params.roleId);
    if (!row) return refuse("not-found");
    const refusal = excessIn(storedMask(row.capabilities), principal);
    if (refusal) return refusal;
    return commit(
      null,
      mustNotExist(members, eq(members.roleId, row.id), { problem: "role-in-use" }),
      mustNotExist(invitations, eq(invitations.roleId, row.id), { problem: "role-in-use" }),
      deletion(roles, row),
      emit("role.deleted", { roleId: row.id }, { table: roles, row }),
    );
  },
});

// A role is for everywhere and for good, so whoever defines one is held to no place, address or date.
function excessIn(mask: CapabilityMask, principal: Principal): Refusal | null {
  if (isLimited(principal)) return refuse("forbidden");
  if (!isSubset(mask, principal.capabilities))
    return refuseField("/capabilities", "are more than your own", "rights-exceed-yours");
  if (!holdsElevated(mask)) return null;
  return refuseField("/capabilities", "hold what owners and admins alone may do", "rights-exceed-yours");
}

function present({ capabilities, ...row }: Row<typeof roles>) {
  return { ...row, capabilities: listOf(storedMask(capabilities)) };
}
