import { z } from "zod";
import { Timestamp, told, toldId, toldList } from "#http/fields.ts";

const Passkey = z
  .object({
    id: toldId("psk"),
    name: told(60, "Ada's phone"),
    isSynced: z.boolean().meta({ description: "Its maker keeps a copy, so that it outlives the device." }),
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: "Passkey" });

export const Passkeys = toldList(Passkey, 20);
