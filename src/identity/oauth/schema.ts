import { z } from "zod";
import { Timestamp, told, toldId, toldList } from "#http/fields.ts";

export const AuthorizationOutcome = z
  .object({
    next: z.enum(["redirect", "sign-in", "consent"]),
    location: told(4096, "https://planner.example/callback?code=kla_…").nullable(),
    consent: z
      .object({
        client: told(120, "Route planner"),
        tenant: told(120, "Harbour Café"),
        host: told(255, "planner.example"),
        allows: toldList(z.object({ scope: told(64, "orders:read"), label: told(120, "See orders") }), 200),
      })
      .nullable(),
  })
  .meta({ id: "AuthorizationOutcome" });

export const ConnectedClients = z
  .object({
    data: toldList(
      z.object({
        clientId: told(100, "kli_eu1_01jd5r0t6vf3h8k2m4n6p8q0rs_01jd5r0t6vf3h8k2m4n6p8q0rs"),
        name: told(120, "Route planner"),
        tenantId: toldId("ten"),
        scope: told(4096, "openid orders:read"),
        since: Timestamp,
      }),
      1000,
    ),
  })
  .meta({ id: "ConnectedClients" });
