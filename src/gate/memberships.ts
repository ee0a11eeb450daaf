import { eq } from "drizzle-orm";
import { insert, mustNotExist, remove } from "#db/changes.ts";
import { memberships, platformTenant } from "#db/directory-tables.ts";
import { isActiveMember } from "#db/member-rows.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { many, uniqueIndexOf } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

/** The directory's pointers from users to this tenant, which follow the members in its cell. */
export interface Memberships {
  /** Any number of times. Who is a member again meanwhile keeps theirs. */
  end(userId: string, memberId: string): Promise<void>;
}

const mostTries = 5;

export function membershipsOf(env: Env, cell: Cell, memberTenantId: string, run: SystemRun): Memberships {
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  const isTheirs = (userId: string) =>
    all(eq(memberships.userId, userId), eq(memberships.memberTenantId, memberTenantId));
  const pointerOf = async (userId: string) => {
    const { found } = await directory.read({
      found: many(memberships, { ...uniqueIndexOf(memberships), where: isTheirs(userId), limit: 1 }),
    });
    return found[0];
  };
  return {
    async end(userId, memberId) {
      await repeated(async () => {
        const pointer = await pointerOf(userId);
        return (
          !pointer ||
          (await commitAsSystem(directory, run, [remove(memberships, pointer)])).kind === "committed"
        );
      });
      // Whoever comes back has their member first and their pointer then: one that was taken here is given back.
      const { isBack } = await keylessSession(cell.database, memberTenantId).read({
        isBack: isActiveMember(memberId),
      });
      if (!isBack) return;
      await repeated(async () => {
        if (await pointerOf(userId)) return true;
        const outcome = await commitAsSystem(directory, run, [
          mustNotExist(memberships, isTheirs(userId), null),
          insert(memberships, { id: newId("mem"), userId, memberTenantId }, run.now),
        ]);
        return outcome.kind === "committed";
      });
    },
  };
}

async function repeated(work: () => Promise<boolean>): Promise<void> {
  for (let tries = 1; tries <= mostTries; tries += 1) if (await work()) return;
  throw new Error("A membership's pointer kept changing.");
}
