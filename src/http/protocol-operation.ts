import type { z } from "zod";
import type { SignedMessage } from "#crypto/svix-signature.ts";
import type { Declaration, Out, PublicAccess } from "./operation.ts";
import type { Refusal } from "./outcome.ts";
import type { OwnRefusals, ProtocolAnswer } from "./protocol-answer.ts";

type Shape = z.ZodType;
type Optional = Shape | undefined;

/** What became of a message that somebody outside sent; "try-again": a part was done, the rest is for the next try. */
export type MessageOutcome =
  | "done"
  | "ignored"
  | "try-again"
  | "unknown-issuer"
  | "not-genuine"
  | "malformed";

export interface ProtocolContext {
  /** Verifies a message of the issuer of this name and does what it says. */
  readonly receive: (issuerName: string, message: SignedMessage) => Promise<MessageOutcome>;
  /** The same of what Postmark tells of addresses; it signs nothing and brings a password of ours. */
  readonly receiveFromPostmark: (
    authorization: string | undefined,
    body: Uint8Array<ArrayBuffer>,
  ) => Promise<MessageOutcome>;
  /** Ends a key whose whole text this is; nothing for any other. */
  readonly endLeakedKey: (text: string) => Promise<void>;
  /** The endpoints of OAuth 2.1 and OpenID Connect that programs call. */
  readonly oauth: (
    endpoint: "token" | "revoke" | "introspect" | "userinfo",
    request: Pick<ProtocolRequest<unknown>, "header" | "body">,
  ) => Promise<ProtocolAnswer | Refusal>;
}

/** A request as its protocol sent it: nothing of it is read as ours. */
export interface ProtocolRequest<P> {
  readonly params: P;
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Somebody else's protocol: who asks proves it in the protocol's way, over the exact bytes of the body. */
export interface ProtocolOperation<P, R extends Shape> extends Declaration<P, undefined, undefined, R> {
  readonly mount: "protocol";
  readonly method: "get" | "post";
  readonly can: PublicAccess;
  readonly store: "directory";
  /** A form of these fields, for the contract: whoever runs it reads it. */
  readonly takes?: Shape;
  readonly refuses?: OwnRefusals;
  run(
    context: ProtocolContext,
    request: ProtocolRequest<Out<P>>,
  ): Promise<z.input<R> | ProtocolAnswer | Refusal>;
}

export function protocolOperation<P extends Optional, R extends Shape>(declared: ProtocolOperation<P, R>) {
  return { form: "protocol" as const, ...declared };
}
