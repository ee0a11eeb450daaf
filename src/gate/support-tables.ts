import { integer, text } from "drizzle-orm/sqlite-core";
import { none, open, personal, tenantTable } from "#db/tenant-table.ts";

/** Why a session is over before its time. */
export const supportEnds = ["agent", "business", "grant", "operator"] as const;
export type SupportEnd = (typeof supportEnds)[number];

/** As many of them run at one business at a time. */
export const mostSupportSessions = 20;

/** What an owner allows those who run the deployment, for a time. */
export const supportGrants = tenantTable(
  "support_grants",
  {
    /** It holds for as long as they are an owner. */
    ownerId: open(text("owner_id").notNull()),
    reason: personal(text("reason").notNull()),
    /** A mask: what may be done besides reading. */
    capabilities: open(text("capabilities").notNull()),
    showsPersonalData: open(integer("shows_personal_data").notNull()),
    expiresAt: open(text("expires_at").notNull()),
    endedAt: open(text("ended_at")),
  },
  {
    entity: "support-grant",
    scope: none("seen by those who hold support:read, wherever they work"),
    subject: "ownerId",
    movesEpoch: true,
  },
);

/** A support agent who has been here, by the id that the directory knows them by. */
export const visitingAgents = tenantTable(
  "visiting_agents",
  { name: personal(text("name").notNull()) },
  {
    entity: "visiting-agent",
    scope: none("every member may know which agents have access"),
    subject: "id",
  },
);

/** An agent at this business: by which grant, as whom, why, and until when. */
export const supportSessions = tenantTable(
  "support_sessions",
  {
    grantId: open(text("grant_id").notNull()),
    agentId: open(text("agent_id").notNull()),
    /** As it was when this began. */
    agentRole: open(text("agent_role").notNull()),
    /** Whose rights and places bound it. */
    memberId: open(text("member_id").notNull()),
    reason: personal(text("reason").notNull()),
    ticket: open(text("ticket").notNull()),
    expiresAt: open(text("expires_at").notNull()),
    endedAt: open(text("ended_at")),
    endedBecause: open(text("ended_because", { enum: supportEnds })),
  },
  {
    entity: "support-session",
    scope: none("every member may know which agents have access"),
    subject: "agentId",
    movesEpoch: true,
  },
);
