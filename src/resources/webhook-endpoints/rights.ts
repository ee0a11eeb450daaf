import { excessOf, type Subscription } from "#gate/event-rights.ts";
import type { Principal } from "#http/operation.ts";
import { type Refusal, refuse, refuseField } from "#http/outcome.ts";

/**
 * Who sets where an endpoint's events go, or brings it to life, must be allowed to read all of them: otherwise one could
 * have sent to oneself what one may not see.
 */
export function excessRefusal(subscription: Subscription, principal: Principal): Refusal | null {
  const excess = excessOf(subscription, principal);
  if (excess === null) return null;
  return excess === "event-types"
    ? refuseField("/eventTypes", "holds a type that you may not read", "events-exceed-creator")
    : refuse("forbidden");
}
