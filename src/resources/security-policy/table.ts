import { integer, text } from "drizzle-orm/sqlite-core";
import { none, open, tenantTable } from "#db/tenant-table.ts";

/** Who needs a second factor here: nobody, owners and admins, or every member. */
export const secondFactorPolicies = ["off", "elevated", "everyone"] as const;

export const securityPolicies = tenantTable(
  "security_policies",
  {
    secondFactor: open(text("second_factor", { enum: secondFactorPolicies }).notNull()),
    secondFactorSince: open(text("second_factor_since").notNull()),
    /** 1 where codes by SMS are a second factor here, of whoever is neither owner nor admin. */
    allowsSms: open(integer("allows_sms").notNull()),
    /** JSON array of CIDRs; empty: from anywhere. */
    ipAllowList: open(text("ip_allow_list").notNull()),
    /** How old an API key may become, in days; null: as old as it likes. */
    longestKeyAge: open(integer("longest_key_age")),
    longestKeyAgeSince: open(text("longest_key_age_since")),
  },
  {
    entity: "security-policy",
    scope: none("one row of the whole business, which nobody reads who is held to less than it"),
    // Tokens of outside issuers are held to it by the gate.
    movesEpoch: true,
  },
);
