import type { Hono } from "hono";
import { mountAccountPages } from "#console/account/mount.tsx";
import { contractOf } from "#console/contract.ts";
import { mailboxPage } from "#console/mailbox.tsx";
import { directoryKeys } from "#gate/directory-keys.ts";
import { endLeakedKey } from "#gate/leaked-keys.ts";
import { doorTo } from "#http/door.ts";
import type { Registry } from "#http/registry.ts";
import type { AppTypes } from "#http/request-state.ts";
import { oauthEndpoints } from "#identity/oauth/endpoints.ts";
import { receiveMessage } from "#identity/outside/receive-message.ts";
import { accountServices } from "#identity/services.ts";
import { readiness } from "#jobs/readiness.ts";
import { receiveFromPostmark } from "#mail/receive-postmark.ts";
import { systemNow } from "#platform/clock.ts";
import { registry } from "#resources/index.ts";

/** The whole application over a registry of operations; tests may mount more of them. */
export function createApp(operations: Registry = registry): Hono<AppTypes> {
  const contract = contractOf(operations);
  const app = doorTo(operations, {
    public: (c) => ({
      now: systemNow(),
      issuer: c.env.PUBLIC_ORIGIN,
      jwks: async () => ({ keys: (await directoryKeys(c.env, () => true)).publicJwks }),
      checkpointKeys: async () => (await directoryKeys(c.env, () => true)).checkpointKeys,
      readiness: () => readiness(c.env, systemNow()),
      contract: contract(c.env.PUBLIC_ORIGIN, c.env.SECURITY_CONTACT, systemNow()),
      mailbox: () => mailboxPage(c.env),
    }),
    accounts: accountServices,
    protocol: (c) => ({
      oauth: (endpoint, request) => oauthEndpoints[endpoint](c, request),
      receive: (issuerName, message) =>
        receiveMessage(c.env, issuerName, message, {
          now: systemNow(),
          requestId: c.get("state").requestId,
        }),
      endLeakedKey: (text) =>
        endLeakedKey(c.env, text, { now: systemNow(), requestId: c.get("state").requestId }),
      receiveFromPostmark: (authorization, body) =>
        receiveFromPostmark(c.env, authorization, body, {
          now: systemNow(),
          requestId: c.get("state").requestId,
        }),
    }),
  });
  mountAccountPages(app);
  return app;
}
