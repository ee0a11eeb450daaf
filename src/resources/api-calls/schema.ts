import { z } from "zod";
import { Timestamp, told } from "#http/fields.ts";

const Status = z
  .int()
  .min(100)
  .max(599)
  .meta({ examples: [200] });
const Count = z
  .int()
  .min(0)
  .meta({ examples: [12] });
const Operation = told(64, "orders.create");
const principal = "key_01jd5r0t6vf3h8k2m4n6p8q0rs";

export const ApiCall = z
  .object({
    id: told(64, "req_01jd5r0t6vf3h8k2m4n6p8q0rs").meta({
      description: "The request's id, as `X-Request-Id` told it.",
    }),
    at: Timestamp,
    actorId: told(64, principal).meta({
      description: "The key or member that called; the prefix says which.",
    }),
    operation: Operation,
    route: told(200, "POST /v1/tenants/{tenant}/orders").meta({
      description: "The method and the path's template: never what stood in its braces, nor the query.",
    }),
    status: Status,
    problem: told(64, "rate-limited")
      .nullable()
      .meta({ description: "The last part of the problem's type, where it was answered with one." }),
    durationMs: Count,
    times: Count.meta({
      description: "More than one for refusals at the rate limit, which are gathered for about a second.",
    }),
  })
  .meta({ id: "ApiCall" });

export const HourlyUsage = z
  .object({
    hour: Timestamp.meta({ description: "Its start." }),
    actorId: told(64, principal),
    operation: Operation,
    status: Status,
    calls: Count,
  })
  .meta({ id: "HourlyUsage" });

export const Gap = z
  .object({
    counted: Count.meta({ description: "Calls that the gates let in or refused for their rate." }),
    logged: Count,
    missing: Count,
  })
  .meta({
    id: "CallLogGap",
    description:
      "The call log is best effort. How far it falls short in the hours asked for, whole, of the actor asked for or of all: an estimate, as calls and counts are minutes under way and a call may be counted in the hour beside its own.",
  });
