import { z } from "zod";
import { note } from "#db/changes.ts";
import { members } from "#gate/tables.ts";
import { told, toldId } from "#http/fields.ts";
import { effectOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { isSandbox } from "#lib/sandbox.ts";

const Sandbox = z
  .object({
    tenantId: toldId("ten"),
    slug: told(64, "harbour-cafe-test").meta({ description: "What to call it by from now on." }),
  })
  .meta({ id: "Sandbox" });

/** The business's name and plan, and nothing else of it, is there. Asked again, it answers the same. */
export const open = effectOperation({
  mount: "tenant",
  method: "post",
  path: "/sandbox",
  summary: "Open the sandbox of your business, `<slug>-test`: a tenant of its own, which you own",
  can: "tenant:delete",
  inPerson: true,
  recordRefusal: true,
  expensive: true,
  store: "cell",
  returns: Sandbox,
  problems: ["is-a-sandbox", "sandbox-not-available", "conflict"],
  intent: z.object({ userId: z.string(), slug: z.string() }),
  resumeAfterSeconds: 120,
  async intend({ tenant, principal }) {
    if (isSandbox(principal.slug)) return refuse("is-a-sandbox");
    const member = await tenant.get(members, principal.id);
    // Whoever signs in by an outside issuer has no account of ours that a sandbox could belong to.
    if (!member?.userId.startsWith("usr_")) return refuse("forbidden");
    return commit({ userId: member.userId, slug: principal.slug });
  },
  perform: ({ sandbox }, intent) => sandbox.open(intent),
  async settle(_context, _intent, opened) {
    if (opened === null) return refuse("sandbox-not-available");
    const { tenantId, slug } = opened;
    return commit({ tenantId, slug }, note("sandbox", tenantId, { slug }));
  },
});
