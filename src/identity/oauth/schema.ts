import { z } from "zod";
import { told, toldList } from "#http/fields.ts";

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
