import type { Mutant } from "./mutant.ts";
import { accountPages } from "./mutants/account-pages.ts";
import { alertMutants } from "./mutants/alerts.ts";
import { auditSinks } from "./mutants/audit-sinks.ts";
import { auditTree } from "./mutants/audit-tree.ts";
import { calls } from "./mutants/calls.ts";
import { commits } from "./mutants/commit.ts";
import { consent } from "./mutants/consent.ts";
import { edges } from "./mutants/edges.ts";
import { factors } from "./mutants/factors.ts";
import { federated } from "./mutants/federation.ts";
import { firewall } from "./mutants/firewall.ts";
import { gates } from "./mutants/gate.ts";
import { guards } from "./mutants/guards.ts";
import { http } from "./mutants/http.ts";
import { identityEventMutants } from "./mutants/identity-events.ts";
import { isolation } from "./mutants/isolation.ts";
import { lockouts } from "./mutants/lockout.ts";
import { mail } from "./mutants/mail.ts";
import { memberRights } from "./mutants/members.ts";
import { numbers } from "./mutants/numbers.ts";
import { oauth } from "./mutants/oauth.ts";
import { passwords } from "./mutants/passwords.ts";
import { schema } from "./mutants/schema.ts";
import { sealing } from "./mutants/sealing.ts";
import { sms } from "./mutants/sms.ts";
import { sso } from "./mutants/sso.ts";
import { support } from "./mutants/support.ts";
import { tokens } from "./mutants/tokens.ts";
import { vault } from "./mutants/vault.ts";

/** All of them. The order is only that of the output. */
export const mutants: readonly Mutant[] = [
  ...isolation,
  ...numbers,
  ...firewall,
  ...commits,
  ...guards,
  ...gates,
  ...tokens,
  ...sealing,
  ...http,
  ...calls,
  ...auditTree,
  ...auditSinks,
  ...edges,
  ...schema,
  ...vault,
  ...consent,
  ...oauth,
  ...lockouts,
  ...passwords,
  ...mail,
  ...alertMutants,
  ...identityEventMutants,
  ...factors,
  ...sms,
  ...accountPages,
  ...memberRights,
  ...sso,
  ...support,
  ...federated,
];
