import { type Emit, type NoteDetails, note } from "#db/changes.ts";
import { platformTenant } from "#db/directory-tables.ts";
import type { PlatformEventType } from "#db/event-types.ts";
import { onceAnHour } from "#db/once-an-hour.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

/** Something that only operators can mend. */
export interface PlatformAlert {
  readonly type: PlatformEventType;
  readonly job: string;
  readonly entity: string;
  readonly entityId: string;
  readonly data: Emit["data"];
  /** The same for the audit, where that tells more. */
  readonly details?: NoteDetails;
  /** What stays the same as long as the same thing is amiss. */
  readonly about: string;
}

/** Tells the platform's own audit and events, once an hour for as long as it lasts. */
export async function alertPlatform(env: Env, alert: PlatformAlert, now: number): Promise<void> {
  const { type, job, entity, entityId, data, details = data, about } = alert;
  const event: Emit = { kind: "emit", type, data, locationId: null, assigneeId: null };
  await commitAsSystem(
    // The keys have no part in it, and may be what is amiss besides.
    keylessSession(env.DIRECTORY, platformTenant),
    { job, requestId: newId("run"), now },
    [note(entity, entityId, details), event],
    null,
    onceAnHour(job, about, now),
  );
}
