import type { AccountServices } from "#http/account-operation.ts";
import type { RequestContext } from "#http/request-state.ts";
import { systemNow } from "#platform/clock.ts";
import { breachAnswer } from "#platform/pwned-passwords.ts";
import { clearSignIn, reserveTry } from "./lockout/reserve-try.ts";
import { endInCells } from "./sessions/end-in-cells.ts";

/** What operations on accounts are given of these rooms; the key makes the names of the objects that count tries. */
export function accountServices(c: RequestContext, indexKey: CryptoKey): AccountServices {
  return {
    reserveTry: (asked) => reserveTry(c.env, indexKey, asked),
    clearSignIn: (identifier) => clearSignIn(c.env, indexKey, identifier),
    endInCells: (userId, sessionIds) => endInCells(c.env, userId, sessionIds, systemNow()),
    breachAnswer: (password) => breachAnswer(c.env, password),
  };
}
