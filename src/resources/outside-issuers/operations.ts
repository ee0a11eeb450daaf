import { z } from "zod";
import { publicOperation } from "#http/operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { protocolOperation } from "#http/protocol-operation.ts";

const IssuerName = z
  .string()
  .max(32)
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .meta({ description: "As the deployment names it.", examples: ["clerk"] });
const tryAgainSeconds = 5;

/** Svix tries again after anything but 2xx: what will never be of use to us is answered as done. */
export const receive = protocolOperation({
  mount: "protocol",
  method: "post",
  path: "/issuers/{issuerName}/webhooks",
  summary: "Take in what an outside issuer tells of its members (Clerk's webhooks)",
  can: publicOperation({ because: "the message is signed with the issuer's webhook secret" }),
  store: "directory",
  params: z.object({ issuerName: IssuerName }),
  returns: z.null(),
  status: 204,
  problems: ["signature-invalid", "not-found", "invalid", "unavailable"],
  async run({ receive }, { params, header, body }) {
    // Both spellings of Svix; never a mixture.
    const prefix = header("svix-id") === undefined ? "webhook" : "svix";
    const outcome = await receive(params.issuerName, {
      id: header(`${prefix}-id`),
      timestamp: header(`${prefix}-timestamp`),
      signature: header(`${prefix}-signature`),
      body,
    });
    switch (outcome) {
      case "done":
      case "ignored":
        return null;
      case "unknown-issuer":
        return refuse("not-found");
      case "not-genuine":
        return refuse("signature-invalid");
      case "malformed":
        return refuse("invalid");
      case "try-again":
        return new Refusal("unavailable", { retryAfterSeconds: tryAgainSeconds }, []);
    }
  },
});
