import { z } from "zod";
import { isCapability } from "#gate/capabilities.ts";
import { mostLocations } from "#gate/giving.ts";
import { explain, scopeOf } from "#gate/rights.ts";
import { told, toldId, toldList } from "#http/fields.ts";
import { readOperation } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";
import { CapabilityName, MemberId } from "./schema.ts";
import { standingOf } from "./standing.ts";

const Step = z
  .object({
    by: z.enum(["role", "grants", "denials", "state"]),
    says: z.enum(["gives", "takes", "nothing"]),
    isHeld: z.boolean().meta({ description: "Whether it is theirs after this step." }),
  })
  .meta({ id: "AccessStep" });

const Access = z
  .object({
    memberId: toldId("mbr"),
    capability: told(64, "orders:read"),
    isAllowed: z.boolean(),
    steps: toldList(Step, 8).meta({ description: "In their order: the last says what is so." }),
    allLocations: z
      .boolean()
      .meta({ description: "False: at these locations alone, as far as you may see them." }),
    locationIds: toldList(toldId("loc"), mostLocations),
    assignedOnly: z.boolean().meta({ description: "Of what is somebody's, only what is assigned to them." }),
  })
  .meta({ id: "MemberAccess" });

export const access = readOperation({
  mount: "tenant",
  method: "get",
  path: "/members/{memberId}/access",
  summary: "Explain step by step why a member may do something, or not",
  can: "members:read",
  store: "cell",
  params: z.object({ memberId: MemberId }),
  query: z.strictObject({ capability: CapabilityName }),
  returns: Access,
  problems: ["invalid", "not-found"],
  async run(context, { params, query: { capability } }) {
    const standing = await standingOf(context, params.memberId);
    if (!standing || !isCapability(capability)) return refuse("not-found");
    const { row, places, given } = standing;
    const steps = explain(capability, given, row.state === "active");
    return {
      memberId: row.id,
      capability,
      isAllowed: steps.at(-1)?.isHeld === true,
      steps,
      allLocations: row.allLocations === 1,
      locationIds: places.map(({ locationId }) => locationId),
      assignedOnly: scopeOf(given) === "assigned",
    };
  },
});
