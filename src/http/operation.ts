import type { z } from "zod";
import type { ApiKeyMode } from "#crypto/api-key.ts";
import type { SharedRecord } from "#db/cell-system.ts";
import type { Query } from "#db/queries.ts";
import type { TenantDb } from "#db/tenant-db.ts";
import type { Visit } from "#db/visit-tenant.ts";
import type { Capability, CapabilityMask } from "#gate/capabilities.ts";
import type { Invitations } from "#gate/invitations.ts";
import type { Memberships } from "#gate/memberships.ts";
import type { Owners } from "#gate/owners.ts";
import type { Sandbox } from "#gate/sandbox.ts";
import type { SsoDomainClaims } from "#gate/sso-claims.ts";
import type { Tier } from "#gate/tiers.ts";
import type { AuditLog } from "#platform/audit-trees.ts";
import type { DestinationFault } from "#platform/destinations.ts";
import type { TenantFiles } from "#platform/tenant-files.ts";
import type { Commit, Refusal } from "./outcome.ts";
import type { Cursors } from "./page.ts";
import type { ProblemName } from "./problem.ts";
import type { RawBody, StreamedBody } from "./raw-body.ts";
import type { TextAnswer } from "./text-answer.ts";

/** Who asks, within one tenant, and how far they reach. */
export interface Principal {
  readonly kind: "api-key" | "member" | "client" | "support-agent" | "system";
  readonly id: string;
  readonly tenantId: string;
  readonly slug: string;
  readonly cell: string;
  readonly jurisdiction: "eu" | null;
  readonly tier: Tier;
  readonly capabilities: CapabilityMask;
  readonly locations: readonly string[] | null;
  readonly assigneeId: string | null;
  /** CIDRs; empty where every address may use it. */
  readonly ipAllowList: readonly string[];
  /** Origins; empty where pages of every origin that the tenant lists may use it. */
  readonly allowedOrigins: readonly string[];
  /** ms since 1970; null where it does not expire. */
  readonly expiresAt: number | null;
  /** The tenant's currency, ISO 4217. */
  readonly currency: string;
}

/**
 * The same person at other tenants of the cell, where they consented. The one way in which a request comes by another
 * tenant's data: it cannot say whose, but only what of that it finds.
 */
export interface LinkedPeople {
  /** Who this is in the cell; null where the text is no e-mail address. To be asked only when consent is given. */
  identify(email: string): Promise<string | null>;
  /**
   * Asks the tenants, ten at most, that have this person's consent to share a field of the wanted. What one tells is
   * committed there before it is told here, once an hour; where that fails, it tells nothing.
   */
  shared<Q extends Record<string, Query<unknown>>, A>(
    token: string,
    wanted: readonly string[],
    visitOf: (record: SharedRecord) => Visit<Q, A>,
  ): Promise<A[]>;
}

/** All that a handler can touch. */
export interface TenantContext {
  readonly tenant: TenantDb;
  readonly principal: Principal;
  /** ms since 1970, the same for the whole request. */
  readonly now: number;
  readonly newId: (prefix: string) => string;
  readonly cursors: Cursors;
  /** Makes the text of a key, or of an OAuth client's secret, to be shown once, and what is stored of it. */
  readonly mintApiKey: (
    mode: ApiKeyMode,
    id: string,
  ) => Promise<{ key: string; secretHash: string; pepperVersion: number }>;
  /** The tenant's transparency log. */
  readonly auditLog: AuditLog;
  readonly linkedPeople: LinkedPeople;
  /** Why nothing may be sent to this address, or null; asks where its name points. */
  readonly destinationFault: (url: string) => Promise<DestinationFault | null>;
  /** From where the request came; null where that is not known, and for jobs. */
  readonly address: string | null;
  /** The name that this deployment is served under. */
  readonly ownHost: string;
}

export interface PublicContext {
  readonly now: number;
  /** This deployment, as the issuer of tokens. */
  readonly issuer: string;
  /** All keys that ever signed heads of a transparency log, the newest first. */
  readonly checkpointKeys: () => Promise<
    readonly { readonly publicKey: Uint8Array; readonly signsFrom: string }[]
  >;
  readonly jwks: () => Promise<{ keys: readonly object[] }>;
  readonly readiness: () => Promise<readonly { name: string; ok: boolean; todo?: string }[]>;
  readonly contract: Contract;
  /** The page of mails that went nowhere, in development; null elsewhere. */
  readonly mailbox: () => Promise<TextAnswer | null>;
}

/** What this deployment says of itself to anybody who asks. */
export interface Contract {
  readonly openApi: (version: "3.1" | "3.0") => TextAnswer;
  /** By path; null where there is no such page. */
  readonly page: (path: string) => TextAnswer | null;
  /** RFC 9116; null where the operator has configured no contact. */
  readonly securityTxt: () => TextAnswer | null;
}

export interface PublicAccess {
  readonly because: string;
}

/** An operation that asks for no credentials, and why that is right. */
export function publicOperation(access: PublicAccess): PublicAccess {
  return access;
}

/** Asks for credentials of the tenant and for no capability, and why that is right. */
export class AnyPrincipal {
  readonly because: string;

  constructor(because: string) {
    this.because = because;
  }
}

export function anyPrincipal({ because }: { because: string }): AnyPrincipal {
  return new AnyPrincipal(because);
}

type Shape = z.ZodType;
export type Out<S> = S extends z.ZodType ? z.output<S> : undefined;

export interface Input<P, Q, B> {
  readonly params: Out<P>;
  readonly query: Out<Q>;
  readonly body: Out<B>;
}

export interface Declaration<P, Q, B, R extends Shape> {
  readonly method: "get" | "post" | "patch" | "put" | "delete";
  /** `/orders/{orderId}`, below the mount. */
  readonly path: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly returns: R;
  /** The status of a success; 200 unless told. */
  readonly status?: 200 | 201 | 204;
  readonly problems: readonly ProblemName[];
  /** It ends sessions: 202 where a cell is away, which is told by and by. */
  readonly endsSessions?: true;
}

interface TenantDeclaration<P, Q, B, R extends Shape> extends Declaration<P, Q, B, R> {
  readonly mount: "tenant";
  readonly can: Capability | AnyPrincipal;
  /** A 403 of this operation is written to the audit. */
  readonly recordRefusal?: true;
  /** A member's own session alone, whatever others hold: no API key, and no client that acts for somebody. */
  readonly inPerson?: true;
  /** That it finds somebody tells of them, whatever of its answer is masked. */
  readonly tellsOfPeople?: true;
  /** It reads, or sets off, much more than others: the gate holds it to a bucket of its own. */
  readonly expensive?: true;
}

export interface ReadOperation<P, Q, B, R extends Shape> extends TenantDeclaration<P, Q, B, R> {
  /** "log": its queries run in the cell's log database. "none": the gate alone answers it. */
  readonly store: "cell" | "log" | "none";
  run(context: TenantContext, input: Input<P, Q, B>): Promise<z.input<R> | Refusal>;
}

export interface WriteOperation<P, Q, B, R extends Shape> extends TenantDeclaration<P, Q, B, R> {
  readonly store: "cell";
  /** Fields of the answer that are not stored for a replay and come back as null in it. */
  readonly shownOnce?: readonly string[];
  /** Money moved: a replay is answered for 30 days instead of 24 hours. */
  readonly keepsReplayDays?: 30;
  run(context: TenantContext, input: Input<P, Q, B>): Promise<Commit<z.input<R>> | Refusal>;
}

/** The vendors an effect may touch, each behind its binding, and of each only what is the tenant's. */
export interface Ports {
  readonly files: TenantFiles;
  readonly invitations: Invitations;
  readonly ssoDomains: SsoDomainClaims;
  readonly memberships: Memberships;
  readonly owners: Owners;
  readonly sandbox: Sandbox;
}

export interface EffectOperation<P, Q, B, R extends Shape, I extends Shape, V>
  extends TenantDeclaration<P, Q, B, R> {
  readonly store: "cell";
  /** The intent's own shape; it is stored, so it holds no personal data. */
  readonly intent: I;
  /** Seconds after which the sweeper takes a stale intent up; longer than any request lives. */
  readonly resumeAfterSeconds: number;
  intend(context: TenantContext, input: Input<P, Q, B>): Promise<Commit<z.output<I>> | Refusal>;
  /** The only place that touches the vendor; `id` is the vendor's idempotency key. */
  perform(ports: Ports, intent: z.output<I>, id: string, body?: StreamedBody): Promise<V>;
  settle(context: TenantContext, intent: z.output<I>, result: V): Promise<Commit<z.input<R>> | Refusal>;
  /**
   * Where a stale intent is undone instead of resumed, and so is an effect whose settlement refuses. `result` is what
   * `perform` came to, where anybody still knows it. May happen twice.
   */
  abandon?(ports: Ports, intent: z.output<I>, id: string, result: V | null): Promise<void>;
  /** Of an effect that is resumed: takes back what `perform` left where its settlement refuses. May happen twice. */
  discard?(ports: Ports, intent: z.output<I>, result: V): Promise<void>;
}

/** An effect that takes a streamed body in. The bytes are there once, so a stale intent can only be undone. */
export interface UploadOperation<P, Q, R extends Shape, I extends Shape, V>
  extends EffectOperation<P, Q, RawBody, R, I, V> {
  readonly method: "put";
  readonly body: RawBody;
  perform(ports: Ports, intent: z.output<I>, id: string, body: StreamedBody): Promise<V>;
  abandon(ports: Ports, intent: z.output<I>, id: string, result: V | null): Promise<void>;
}

export interface PublicOperation<P, Q, B, R extends Shape> extends Declaration<P, Q, B, R> {
  readonly mount: "public";
  readonly can: PublicAccess;
  readonly store: "none";
  run(context: PublicContext, input: Input<P, Q, B>): Promise<z.input<R> | Refusal>;
}

type Optional = Shape | undefined;

export function readOperation<P extends Optional, Q extends Optional, B extends Optional, R extends Shape>(
  declared: ReadOperation<P, Q, B, R>,
) {
  return { form: "read" as const, ...declared };
}

export function writeOperation<P extends Optional, Q extends Optional, B extends Optional, R extends Shape>(
  declared: WriteOperation<P, Q, B, R>,
) {
  return { form: "write" as const, ...declared };
}

export function effectOperation<
  P extends Optional,
  Q extends Optional,
  B extends Optional,
  R extends Shape,
  I extends Shape,
  V,
>(declared: EffectOperation<P, Q, B, R, I, V>) {
  return { form: "effect" as const, ...declared };
}

export function uploadOperation<P extends Optional, Q extends Optional, R extends Shape, I extends Shape, V>(
  declared: UploadOperation<P, Q, R, I, V>,
) {
  return { form: "effect" as const, ...declared };
}

export function unauthenticatedOperation<
  P extends Optional,
  Q extends Optional,
  B extends Optional,
  R extends Shape,
>(declared: PublicOperation<P, Q, B, R>) {
  return { form: "public" as const, ...declared };
}
