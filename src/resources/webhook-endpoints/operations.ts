import { sql } from "drizzle-orm";
import { z } from "zod";
import { newWebhookSecret } from "#crypto/webhook-signature.ts";
import { update as change, remove as deletion, emit, insert, mustNotExist } from "#db/changes.ts";
import { many } from "#db/queries.ts";
import { readOperation, type TenantContext, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { timestamp } from "#lib/time.ts";
import { describeFault } from "#platform/destinations.ts";
import { present, subscriptionOf } from "./present.ts";
import { excessRefusal } from "./rights.ts";
import {
  NewWebhookEndpoint,
  WebhookEndpoint,
  WebhookEndpointId,
  WebhookEndpointPatch,
  WithSecret,
} from "./schema.ts";
import { mostEndpoints, webhookEndpoints } from "./table.ts";

const params = z.object({ webhookEndpointId: WebhookEndpointId });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/webhook-endpoints",
  summary: "List webhook endpoints, newest first",
  can: "integrations:manage",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(WebhookEndpoint),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = after === null ? undefined : sql`${webhookEndpoints.id} < ${after}`;
    const { rows } = await tenant.read({ rows: many(webhookEndpoints, { where, limit: query.limit + 1 }) });
    return await cursors.page(rows, query.limit, {}, (row) => row.id, present);
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/webhook-endpoints/{webhookEndpointId}",
  summary: "Read a webhook endpoint",
  can: "integrations:manage",
  store: "cell",
  params,
  returns: WebhookEndpoint,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(webhookEndpoints, params.webhookEndpointId);
    return row ? present(row) : refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/webhook-endpoints",
  summary: "Have events sent to an address; the secret they are signed with is shown once",
  can: "integrations:manage",
  recordRefusal: true,
  store: "cell",
  body: NewWebhookEndpoint,
  returns: WithSecret,
  shownOnce: ["secret"],
  status: 201,
  problems: ["invalid", "events-exceed-creator", "too-many-endpoints", "forbidden"],
  async run(context, { body }) {
    const { principal, now, newId } = context;
    const { eventTypes, secret = newWebhookSecret() } = body;
    const excess = excessRefusal({ eventTypes, locationIds: principal.locations }, principal);
    if (excess) return excess;
    const fault = await urlRefusal(context, body.url);
    if (fault) return fault;
    const created = insert(
      webhookEndpoints,
      {
        id: newId("whe"),
        ...addressOf(body.url),
        eventTypes: JSON.stringify(eventTypes),
        locationIds: principal.locations && JSON.stringify(principal.locations),
        creatorId: principal.id,
        secret,
        secretCreatedAt: timestamp(now),
        secretVersion: 1,
        secretToldVersion: 0,
        state: "enabled",
        enabledAt: timestamp(now),
      },
      now,
    );
    const { row } = created;
    const all = sql`(select count(*) from ${webhookEndpoints} where ${webhookEndpoints.tenantId} = ${principal.tenantId}) >= ${mostEndpoints}`;
    return commit(
      { ...present(row), secret },
      mustNotExist(webhookEndpoints, all, { problem: "too-many-endpoints" }),
      created,
      emit("webhook_endpoint.created", { webhookEndpointId: row.id }, { table: webhookEndpoints, row }),
    );
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/webhook-endpoints/{webhookEndpointId}",
  summary:
    "Change where events are sent or which; from then on they are sent under the rights of who changed it",
  can: "integrations:manage",
  recordRefusal: true,
  store: "cell",
  params,
  body: WebhookEndpointPatch,
  returns: WebhookEndpoint,
  problems: ["invalid", "not-found", "events-exceed-creator", "forbidden", "conflict", "precondition-failed"],
  async run(context, { params, body }) {
    const { tenant, principal, now } = context;
    const row = await tenant.get(webhookEndpoints, params.webhookEndpointId);
    if (!row) return refuse("not-found");
    const { eventTypes, url } = body;
    const wanted = subscriptionOf(row);
    const excess = excessRefusal({ ...wanted, eventTypes: eventTypes ?? wanted.eventTypes }, principal);
    if (excess) return excess;
    const fault = url === undefined ? null : await urlRefusal(context, url);
    if (fault) return fault;
    const patch = {
      ...(eventTypes ? { eventTypes: JSON.stringify(eventTypes) } : {}),
      // Another receiver has its own time to fail in.
      ...(url === undefined ? {} : { ...addressOf(url), enabledAt: timestamp(now) }),
      creatorId: principal.id,
    };
    const changed = change(webhookEndpoints, row, patch, now);
    return commit(
      present(changed.row),
      changed,
      emit(
        "webhook_endpoint.updated",
        { webhookEndpointId: row.id, moved: url !== undefined },
        { table: webhookEndpoints, row },
      ),
    );
  },
});

export const remove = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/webhook-endpoints/{webhookEndpointId}",
  summary: "Remove a webhook endpoint; what was not delivered yet is dropped",
  can: "integrations:manage",
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(webhookEndpoints, params.webhookEndpointId);
    if (!row) return refuse("not-found");
    return commit(
      null,
      deletion(webhookEndpoints, row),
      emit("webhook_endpoint.deleted", { webhookEndpointId: row.id }, { table: webhookEndpoints, row }),
    );
  },
});

async function urlRefusal({ destinationFault }: TenantContext, url: string): Promise<Refusal | null> {
  const fault = await destinationFault(url);
  return fault === null ? null : refuseField("/url", describeFault(fault));
}

function addressOf(url: string) {
  return { url, host: new URL(url).host };
}
