import { personToken } from "#crypto/person-token.ts";
import { CellSystem } from "#db/cell-system.ts";
import { Store } from "#db/store.ts";
import { visitTenant } from "#db/visit-tenant.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { isSandbox } from "#lib/sandbox.ts";
import { afterCommit } from "./after-commit.ts";
import type { Caller } from "./caller.ts";
import type { LinkedPeople } from "./operation.ts";
import type { RequestContext } from "./request-state.ts";

/** `isAnswered`: this request has an answer of before already, so nobody is asked anew. */
export function linkedPeopleOf(
  c: RequestContext,
  { cell, principal }: Caller,
  run: { readonly operation: string; readonly now: number; readonly isAnswered: () => boolean },
): LinkedPeople {
  return {
    async identify(email) {
      const { ring } = await directoryKeys(c.env, () => true);
      const sphere = { cell: cell.id, isSandbox: isSandbox(principal.slug) };
      return await personToken(ring.indexKey(), sphere, email);
    },
    async shared(token, wanted, visitOf) {
      if (run.isAnswered()) return [];
      const system = new CellSystem(new Store(cell.database, "first-primary"));
      const records = await system.consentsOf(token, principal.tenantId, wanted);
      const { requestId } = c.get("state");
      const told = await Promise.all(
        records.map(async (record) => {
          const { tenantId } = record;
          const by = { job: run.operation, requestId, now: run.now };
          const found = await visitTenant(c.env, cell.database, tenantId, visitOf(record), by);
          if (found === null) return [];
          c.executionCtx.waitUntil(afterCommit(c.env, cell, tenantId, found.changes));
          return [found.answer];
        }),
      );
      return told.flat();
    },
  };
}
