import { z } from "zod";
import { publicOperation, unauthenticatedOperation } from "#http/operation.ts";
import { refuse } from "#http/outcome.ts";
import { protocolOperation } from "#http/protocol-operation.ts";
import { textOf } from "#http/text-answer.ts";

export const mailbox = unauthenticatedOperation({
  mount: "public",
  method: "get",
  path: "/mailbox",
  summary: "The mails that this deployment would have sent, in development alone",
  can: publicOperation({ because: "it is there on a developer's own machine alone" }),
  store: "none",
  returns: textOf("text/html; charset=utf-8"),
  problems: ["not-found"],
  run: async ({ mailbox: page }) => (await page()) ?? refuse("not-found"),
});

/** Postmark tries again after anything but 2xx, for some hours: what will never be of use to us is answered as done. */
export const postmark = protocolOperation({
  mount: "protocol",
  method: "post",
  path: "/mail/postmark",
  summary: "Take in what Postmark tells of addresses: bounces, complaints, subscriptions",
  can: publicOperation({ because: "the message brings the deployment's password for Postmark" }),
  store: "directory",
  returns: z.null(),
  status: 204,
  problems: ["signature-invalid", "not-found", "invalid"],
  async run({ receiveFromPostmark }, { header, body }) {
    switch (await receiveFromPostmark(header("authorization"), body)) {
      case "unknown-issuer":
        return refuse("not-found");
      case "not-genuine":
        return refuse("signature-invalid");
      case "malformed":
        return refuse("invalid");
      default:
        return null;
    }
  },
});
