import type { Registry } from "#http/registry.ts";
import { identityOperations } from "#identity/operations.ts";
import * as accessAdvice from "./access-advice/operations.ts";
import * as alerts from "./alerts/operations.ts";
import * as apiCalls from "./api-calls/operations.ts";
import { found as leakedKey, reportLeak } from "./api-keys/leaks.ts";
import * as limits from "./api-keys/limits.ts";
import * as apiKeys from "./api-keys/operations.ts";
import { rotate as rotateKey } from "./api-keys/rotation.ts";
import * as leaves from "./audit/leaves.ts";
import * as audit from "./audit/operations.ts";
import * as proofs from "./audit/proofs.ts";
import { sinks } from "./audit/sinks.ts";
import * as customerConsent from "./customer-consent/operations.ts";
import { sharedProfiles } from "./customer-consent/shared-profiles.ts";
import * as customerDietary from "./customer-dietary/operations.ts";
import * as customers from "./customers/operations.ts";
import { search } from "./customers/search.ts";
import * as docs from "./docs/operations.ts";
import * as pages from "./docs/pages.ts";
import * as security from "./docs/security.ts";
import * as events from "./events/operations.ts";
import * as content from "./files/content.ts";
import * as files from "./files/operations.ts";
import * as parts from "./files/parts.ts";
import * as removal from "./files/removal.ts";
import { revise } from "./files/versions.ts";
import * as invitations from "./invitations/operations.ts";
import { create as createInvitation, resend } from "./invitations/sending.ts";
import * as ipAllowList from "./ip-allow-list/operations.ts";
import * as locations from "./locations/operations.ts";
import * as mail from "./mail/operations.ts";
import { access } from "./members/access.ts";
import { remove } from "./members/endings.ts";
import { factorCoverage } from "./members/factor-coverage.ts";
import * as lifecycle from "./members/lifecycle.ts";
import * as members from "./members/operations.ts";
import { transferOwnership } from "./members/ownership.ts";
import { consents, revokeConsent } from "./oauth-clients/consents.ts";
import * as oauthClients from "./oauth-clients/operations.ts";
import * as orders from "./orders/operations.ts";
import * as transitions from "./orders/transitions.ts";
import * as outsideIssuers from "./outside-issuers/operations.ts";
import * as principal from "./principal/operations.ts";
import * as roles from "./roles/operations.ts";
import { open as openSandbox } from "./sandbox/operations.ts";
import * as securityPolicy from "./security-policy/operations.ts";
import * as settings from "./settings/operations.ts";
import * as ssoConnections from "./sso/connections.ts";
import * as ssoDomains from "./sso/domains.ts";
import { verify } from "./sso/verify.ts";
import * as supportGrants from "./support/grants.ts";
import * as supportSessions from "./support/sessions.ts";
import * as system from "./system/operations.ts";
import * as tenants from "./tenants/operations.ts";
import * as deliveries from "./webhook-endpoints/deliveries.ts";
import { disable, enable, rotate } from "./webhook-endpoints/lifecycle.ts";
import * as webhookEndpoints from "./webhook-endpoints/operations.ts";

/** Every operation there is. A resource joins here, and with that come limits, permissions, audit and their tests. */
export const registry = {
  ...identityOperations,
  "access-advice": accessAdvice,
  alerts,
  "api-calls": apiCalls,
  "api-keys": { ...apiKeys, ...limits, leakedKey, reportLeak, rotate: rotateKey },
  audit: { ...audit, ...leaves, ...proofs, sinks },
  "customer-consent": { ...customerConsent, sharedProfiles },
  "customer-dietary": customerDietary,
  customers: { ...customers, search },
  docs: { ...docs, ...pages, ...security },
  events,
  files: { ...files, ...content, ...parts, ...removal, revise },
  "ip-allow-list": ipAllowList,
  invitations: { ...invitations, create: createInvitation, resend },
  locations,
  mail,
  members: { ...members, ...lifecycle, access, factorCoverage, remove, transferOwnership },
  "oauth-clients": { ...oauthClients, consents, revokeConsent },
  orders: { ...orders, ...transitions },
  "outside-issuers": outsideIssuers,
  principal,
  roles,
  sandbox: { open: openSandbox },
  "security-policy": securityPolicy,
  settings,
  "sso-connections": ssoConnections,
  "sso-domains": { ...ssoDomains, verify },
  "support-grants": supportGrants,
  "support-sessions": supportSessions,
  system,
  tenants,
  "webhook-endpoints": { ...webhookEndpoints, ...deliveries, disable, enable, rotate },
} satisfies Registry;
