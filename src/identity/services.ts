import type { AccountServices } from "#http/account-operation.ts";
import { afterCommit } from "#http/after-commit.ts";
import type { RequestContext } from "#http/request-state.ts";
import { cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import { breachAnswer } from "#platform/pwned-passwords.ts";
import { canText } from "#platform/sms/texter.ts";
import { findRecoveryCode, hashRecoveryCode } from "./factors/recovery-codes.ts";
import { federationOf } from "./federation/federation.ts";
import { countRequest } from "./lockout/count-request.ts";
import { clearSignIn, reserveTry } from "./lockout/reserve-try.ts";
import { acceptInvitation, lookAtInvitation } from "./members/accept-invitation.ts";
import { leaveTenant } from "./members/leave.ts";
import { authorize } from "./oauth/authorize.ts";
import { connectedClients, disconnect } from "./oauth/connected-clients.ts";
import { endInCells } from "./sessions/end-in-cells.ts";
import { hashSmsCode } from "./sms/code.ts";
import { takeText } from "./sms/take-text.ts";
import { beginInCell } from "./support/begin-in-cell.ts";
import { endInCell } from "./support/end-in-cell.ts";

/** What operations on accounts are given of these rooms; the key makes the names of the objects that count tries. */
export function accountServices(c: RequestContext, indexKey: CryptoKey): AccountServices {
  return {
    countRequest: (user) => countRequest(c, indexKey, user),
    reserveTry: (asked) => reserveTry(c.env, indexKey, asked),
    clearSignIn: (identifier) => clearSignIn(c.env, indexKey, identifier),
    endInCells: (userId, sessionIds) => endInCells(c.env, userId, sessionIds, systemNow()),
    hashRecoveryCode: (userId, normalised) => hashRecoveryCode(indexKey, userId, normalised),
    findRecoveryCode: (userId, typed, hashes) => findRecoveryCode(indexKey, userId, typed, hashes),
    canText: canText(c.env),
    takeText: (asked) => takeText(c.env, indexKey, asked),
    hashSmsCode: (binding, code) => hashSmsCode(indexKey, binding, code),
    breachAnswer: (password) => breachAnswer(c.env, password),
    leave: (user, place) => leaveTenant(c, user, place),
    invitations: {
      look: (guest, place, named) => lookAtInvitation(c, guest, place, named),
      accept: (guest, place, named) => acceptInvitation(c, guest, place, named),
    },
    support: {
      begin: (place, asked) => beginInCell(c, place, asked),
      async end(place, actor) {
        const run = { job: "support.end", requestId: c.get("state").requestId, now: systemNow() };
        const sessionId = actor.support.sessionId;
        const how = { because: "agent", actor } as const;
        const { changes, over } = await endInCell(c.env, place, sessionId, how, run);
        const cell = cellOf(c.env, place.cell);
        if (cell) c.executionCtx.waitUntil(afterCommit(c.env, cell, place.tenantId, changes));
        return over;
      },
    },
    federation: federationOf(c.env, indexKey),
    clients: {
      authorize: (asking) => authorize(c, asking),
      connected: (places, userId) => connectedClients(c.env, places, userId),
      disconnect: (user, clientId) => disconnect(c, user, clientId),
    },
  };
}
