import { z } from "zod";
import { normaliseEmail } from "#lib/normalise.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import type { AddressNews } from "./suppressions.ts";

const Address = z.string().refine((text) => normaliseEmail(text) !== null);
// What else stands in them is none of our business, the mail's subject and its recipient's server among it.
const Told = z.object({ RecordType: z.string().max(100) });
const Bounce = z.object({ Type: z.string(), Email: Address, Inactive: z.boolean().optional() });
const Complaint = z.object({ Email: Address });
const SubscriptionChange = z.object({
  Recipient: Address,
  SuppressSending: z.boolean(),
  SuppressionReason: z.string().nullish(),
});

/** Nobody is behind such an address; any other kind of bounce may be another matter tomorrow. */
const permanent = ["HardBounce", "BadEmailAddress"];

/** What Postmark tells, as far as it says that mail to somebody is of no use, or is again; null where it says no such thing. */
export function parsePostmarkEvent(body: Uint8Array<ArrayBuffer>): AddressNews | null | "malformed" {
  try {
    const told: unknown = JSON.parse(fromUtf8(body));
    const { RecordType } = Told.parse(told);
    if (RecordType === "Bounce") return ofBounce(Bounce.parse(told));
    if (RecordType === "SpamComplaint")
      return { address: Complaint.parse(told).Email, suppress: "complained" };
    if (RecordType === "SubscriptionChange") return ofChange(SubscriptionChange.parse(told));
    return null;
  } catch {
    return "malformed";
  }
}

function ofBounce({ Type, Email, Inactive }: z.output<typeof Bounce>): AddressNews | null {
  if (Type === "SpamComplaint") return { address: Email, suppress: "complained" };
  return permanent.includes(Type) || Inactive === true ? { address: Email, suppress: "bounced" } : null;
}

function ofChange({ Recipient, SuppressSending, SuppressionReason }: z.output<typeof SubscriptionChange>) {
  if (!SuppressSending) return { address: Recipient, suppress: null };
  if (SuppressionReason === "SpamComplaint") return { address: Recipient, suppress: "complained" as const };
  const reason = SuppressionReason === "HardBounce" ? ("bounced" as const) : ("inactive" as const);
  return { address: Recipient, suppress: reason };
}
