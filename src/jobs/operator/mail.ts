import { written } from "#mail/letter.ts";
import { letterOf } from "#mail/templates.ts";
import { mailerOf } from "#platform/mail/mailer.ts";
import type { Carrier } from "./carrier.ts";

export const mailCarrier: Carrier = {
  name: "mail",
  isWanted: ({ OPERATOR_EMAIL = "" }) => OPERATOR_EMAIL !== "",
  faults: ({ OPERATOR_EMAIL = "" }) =>
    /^[^\s<>@]{1,64}@[^\s<>@]{1,190}$/.test(OPERATOR_EMAIL) ? [] : ["OPERATOR_EMAIL is no address"],
  async carry(env, notice) {
    const { sourceId, kind, severity, ofTenant: tenantId, count, fromAt: from, toAt: to } = notice;
    const mailer = mailerOf(env);
    const site = { name: mailer.from.name, origin: env.PUBLIC_ORIGIN };
    const data = JSON.stringify({ sourceId, kind, severity, tenantId, count, from, to });
    const letter = letterOf("operator-alert", data, site);
    if (!letter) throw new TypeError("What the operator is told is a letter.");
    const sending = await mailer.send({
      id: notice.id,
      to: env.OPERATOR_EMAIL ?? "",
      ...written(letter, site),
    });
    if (sending.kind === "sent") return { kind: "taken" };
    return { kind: "try-again", askedMs: sending.kind === "try-again" ? sending.askedMs : null };
  },
};
