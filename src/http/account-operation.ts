import type { z } from "zod";
import type { MacTokenKind, Named } from "#crypto/mac-token.ts";
import type { TokenType } from "#crypto/token-signer.ts";
import type { SupportActor } from "#db/audit-rows.ts";
import type { Change } from "#db/changes.ts";
import type { VisitOver } from "#db/directory-tables.ts";
import type { TenantDb } from "#db/tenant-db.ts";
import type { Membership, Place } from "#gate/members-of-user.ts";
import type { ClientConsents } from "./client-consents.ts";
import type { Federation } from "./federation.ts";
import type { Declaration, Input, PublicAccess } from "./operation.ts";
import { Commit, type Refusal } from "./outcome.ts";

type Shape = z.ZodType;
type Optional = Shape | undefined;

/** Where a request came from; null where that is not known. */
export interface Visitor {
  readonly address: string | null;
  readonly userAgent: string | null;
  /** City and country of the address, as the platform guesses them. */
  readonly place: string | null;
}

/** All that an operation on people's accounts can touch. */
export interface DirectoryContext {
  readonly directory: TenantDb;
  /** ms since 1970, the same for the whole request. */
  readonly now: number;
  readonly newId: (prefix: string) => string;
  /** The same however often the handler runs. */
  readonly requestId: string;
  readonly visitor: Visitor;
  readonly accounts: AccountPorts;
}

/** Makes tokens and reads them; the keys stay behind it. */
export interface AccountPorts extends AccountServices {
  /** This deployment, as the issuer of tokens. */
  readonly issuer: string;
  /** What people know this deployment by. */
  readonly siteName: string;
  /** An access token of these claims, or a token of another type. */
  readonly sign: (claims: object, typ?: TokenType) => Promise<string>;
  readonly makeToken: (kind: MacTokenKind, named: Named) => Promise<string>;
  /** Who a user is at these tenants by now, as their cells say. */
  readonly membersOf: (places: readonly Place[], userId: string) => Promise<Membership[]>;
  /** What a user of this address is looked up by; null where it is no address. */
  readonly emailToken: (email: string) => Promise<string | null>;
  /** What somebody is looked up by whom another issuer knows by this. */
  readonly subjectToken: (subject: string) => Promise<string>;
  readonly readToken: (kind: MacTokenKind, text: string) => Promise<Named | null>;
}

/**
 * What operations on accounts cannot do by data alone, as the rooms of identity do it: count what is tried and asked for, hash
 * codes, have texts sent, end sessions in the cells, ask about passwords, and deal with other issuers and OAuth's programs.
 */
export interface AccountServices {
  /** Takes one from what this user may change and have made; null where they may go on. The answer tells what is left. */
  readonly countRequest: (user: SignedIn) => Promise<Refusal | null>;
  readonly reserveTry: (asked: {
    readonly purpose: "sign-in" | "federation" | "sign-up" | "second-factor" | "reset" | "sms-code";
    readonly identifier: string;
    readonly address: string | null;
  }) => Promise<Reservation>;
  /** Ends what wrong passwords have locked. */
  readonly clearSignIn: (identifier: string) => Promise<void>;
  /** Has every cell refuse the tokens of sessions that ended; false where one did not answer, and the sweeper goes on. */
  readonly endInCells: (userId: string, sessionIds: readonly string[]) => Promise<boolean>;
  /** What is stored of a recovery code of this user. */
  readonly hashRecoveryCode: (userId: string, normalised: string) => Promise<string>;
  /** Which of these this code has, however it was typed; null for none. */
  readonly findRecoveryCode: (
    userId: string,
    typed: string,
    hashes: readonly string[],
  ) => Promise<string | null>;
  /** Does this deployment send texts. */
  readonly canText: boolean;
  /** Takes one text of all budgets that it counts against, or of none; `until` in ms since 1970. */
  readonly takeText: (asked: {
    readonly id: string;
    readonly number: string;
    readonly userId: string;
    readonly address: string | null;
    readonly payer: string | null;
  }) => Promise<
    { readonly outcome: "admitted" | "unavailable" } | { readonly outcome: "refused"; readonly until: number }
  >;
  /** What is stored of a code by SMS that is good for this alone. */
  readonly hashSmsCode: (
    binding: { readonly userId: string; readonly purpose: string; readonly boundTo: string },
    code: string,
  ) => Promise<string>;
  readonly breachAnswer: (password: string) => Promise<"breached" | "clear" | "unavailable">;
  readonly clients: ClientConsents;
  /** Ends a user's membership of this tenant; null where it was done. */
  readonly leave: (user: SignedIn, place: Place) => Promise<Refusal | null>;
  readonly invitations: {
    /** What a user is invited to by the invitation that a token names. */
    readonly look: (guest: Guest, place: Place, named: Named) => Promise<Invited | Refusal>;
    /** Makes them a member of it, in its cell: the directory is the caller's to tell then. */
    readonly accept: (guest: Guest, place: Place, named: Named) => Promise<Accepted | Refusal>;
  };
  readonly support: {
    /** Begins a session of an agent at a business, in its cell; asked again under the same id, the same one. */
    readonly begin: (place: Place, asked: SupportAsked) => Promise<SupportBegun | Refusal>;
    /** Ends it there, as the agent whose it is; how it ended is another thing where somebody else was first. */
    readonly end: (place: Place, actor: SupportActor) => Promise<VisitOver>;
  };
  readonly federation: Federation;
}

/** What a support agent asks of a business. */
export interface SupportAsked {
  readonly agent: {
    readonly id: string;
    readonly role: string;
    readonly name: string;
    readonly userId: string;
  };
  readonly sessionId: string;
  readonly grantId: string;
  /** As far as whom; null: the owner who gave the grant. */
  readonly memberId: string | null;
  readonly reason: string;
  readonly ticket: string;
  readonly lifeMs: number;
}

export interface SupportBegun {
  readonly memberId: string;
  readonly expiresAt: string;
}

/** Who comes by an invitation. */
export interface Guest {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  /** Whether they proved that the address is theirs. */
  readonly isVerified: boolean;
}

/** What somebody is invited to. */
export interface Invited {
  readonly tenantId: string;
  readonly slug: string;
  readonly name: string;
  readonly role: string;
  /** Of a role of the business's own. */
  readonly roleName: string | null;
  readonly expiresAt: string;
}

/** Whom they are there from now on. */
export interface Accepted {
  readonly tenantId: string;
  readonly memberId: string;
  readonly slug: string;
  readonly name: string;
}

export type Reservation =
  | {
      readonly outcome: "admitted";
      readonly settle: (outcome: "success" | "failure" | "released") => Promise<Settled>;
    }
  /** Answer as if it had been wrong: a lock is silent. */
  | { readonly outcome: "refused" }
  /** What counts did not answer. Nothing may be tried uncounted: 503. */
  | { readonly outcome: "unavailable" };

export interface Settled {
  /** ms since 1970 where this very try locked whom it was tried at: the time to mail them a link. */
  readonly lockedUntil: number | null;
}

/** Who signed in, and in which session. */
export interface SignedIn {
  readonly userId: string;
  readonly sessionId: string;
}

/** Nobody has been let in: the month's strangers' key seals what such a caller leaves behind. */
export interface VisitorContext extends DirectoryContext {
  readonly strangerId: string;
}

/** A user, with what is their own: the handle shows no other's rows. */
export interface MeContext extends DirectoryContext {
  readonly user: SignedIn;
  /** The same for all requests that are one by their Idempotency-Key and body; null where there is no key. */
  readonly repeats: string | null;
}

/** An answer and its changes, as the doing of a user whose row was read in this request. */
export class UserCommit<A> extends Commit<A> {
  readonly userId: string;

  constructor(userId: string, answer: A, changes: readonly Change[]) {
    super(answer, changes);
    this.userId = userId;
  }
}

export function commitAs<A>(userId: string, answer: A, ...changes: readonly Change[]): UserCommit<A> {
  return new UserCommit(userId, answer, changes);
}

/** For whoever has not signed in: signing up and in, and what a link in a mail brings about. Takes no Idempotency-Key. */
export interface VisitorOperation<P, Q, B, R extends Shape> extends Declaration<P, Q, B, R> {
  readonly mount: "public";
  readonly can: PublicAccess;
  /** What it makes is counted against its user, as what they change themselves is. */
  readonly countsUser?: true;
  readonly store: "directory";
  run(context: VisitorContext, input: Input<P, Q, B>): Promise<Commit<z.input<R>> | Refusal>;
}

interface MeDeclaration<P, Q, B, R extends Shape> extends Declaration<P, Q, B, R> {
  readonly mount: "me";
  readonly store: "directory";
  /** How long ago the session's last proof may lie; else the user steps up first. */
  readonly provedWithinSeconds?: number;
  /** Also in a session that a business's own sign-in began, which is good for that business alone. */
  readonly isForLimited?: true;
}

/**
 * Commits nothing in the directory: a user reads what is their own, or begins or ends what is kept in a cell or by their
 * browser alone, by whatever method. Takes no Idempotency-Key.
 */
export interface MeReadOperation<P, Q, B, R extends Shape> extends MeDeclaration<P, Q, B, R> {
  run(context: MeContext, input: Input<P, Q, B>): Promise<z.input<R> | Refusal>;
}

/** A user changes what is their own. A POST takes an Idempotency-Key, whose answer is kept under the user's key. */
export interface MeWriteOperation<P, Q, B, R extends Shape> extends MeDeclaration<P, Q, B, R> {
  /** Fields of the answer that are not stored for a replay and come back as null in it. */
  readonly shownOnce?: readonly string[];
  run(context: MeContext, input: Input<P, Q, B>): Promise<Commit<z.input<R>> | Refusal>;
}

export function visitorOperation<P extends Optional, Q extends Optional, B extends Optional, R extends Shape>(
  declared: VisitorOperation<P, Q, B, R>,
) {
  return { form: "visitor" as const, ...declared };
}

export function meReadOperation<P extends Optional, Q extends Optional, B extends Optional, R extends Shape>(
  declared: MeReadOperation<P, Q, B, R>,
) {
  return { form: "me-read" as const, ...declared };
}

export function meWriteOperation<P extends Optional, Q extends Optional, B extends Optional, R extends Shape>(
  declared: MeWriteOperation<P, Q, B, R>,
) {
  return { form: "me-write" as const, ...declared };
}
