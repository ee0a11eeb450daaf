import type { z } from "zod";
import { proofAgeFor } from "#gate/step-up.ts";
import type { MeReadOperation, MeWriteOperation, VisitorOperation } from "./account-operation.ts";
import {
  AnyPrincipal,
  type EffectOperation,
  type Input,
  type PublicOperation,
  type ReadOperation,
  type WriteOperation,
} from "./operation.ts";
import type { ProtocolOperation } from "./protocol-operation.ts";

type Shape = z.ZodType;
type Optional = Shape | undefined;

export type AnyRead = ReadOperation<Optional, Optional, Optional, Shape> & { readonly form: "read" };
export type AnyWrite = WriteOperation<Optional, Optional, Optional, Shape> & { readonly form: "write" };
export type AnyEffect = EffectOperation<Optional, Optional, Optional, Shape, Shape, unknown> & {
  readonly form: "effect";
};
export type AnyPublic = PublicOperation<Optional, Optional, Optional, Shape> & { readonly form: "public" };
export type AnyProtocol = ProtocolOperation<Optional, Shape> & { readonly form: "protocol" };
export type AnyVisitor = VisitorOperation<Optional, Optional, Optional, Shape> & {
  readonly form: "visitor";
};
export type AnyMe =
  | (MeReadOperation<Optional, Optional, Optional, Shape> & { readonly form: "me-read" })
  | (MeWriteOperation<Optional, Optional, Optional, Shape> & { readonly form: "me-write" });
export type AnyAccount = AnyVisitor | AnyMe;
export type AnyTenantOperation = AnyRead | AnyWrite | AnyEffect;
export type AnyOperation = AnyTenantOperation | AnyPublic | AnyProtocol | AnyAccount;
export type AnyInput = Input<Optional, Optional, Optional>;

/** The operations of each resource; `orders.place` is the operation's name everywhere. */
export type Registry = Readonly<Record<string, Readonly<Record<string, AnyOperation>>>>;

export interface NamedOperation {
  readonly name: string;
  readonly operation: AnyOperation;
}

export function namedOperations(registry: Registry): NamedOperation[] {
  return Object.entries(registry).flatMap(([resource, operations]) =>
    Object.entries(operations).map(([verb, operation]) => ({ name: `${resource}.${verb}`, operation })),
  );
}

const mounts = { tenant: "/v1/tenants/{tenant}", me: "/v1/me", public: "", protocol: "" } as const;

/** The whole path of an operation below the origin, parameters in braces. */
export function pathOf(operation: AnyOperation): string {
  return `${mounts[operation.mount]}${operation.path}`;
}

/** How recent the proof of a person must be who calls this, in seconds; null where any will do. Reading asks for none. */
export function proofAgeOf(operation: AnyOperation): number | null {
  if (isMine(operation)) return operation.provedWithinSeconds ?? null;
  if (isForAnybody(operation) || operation.form === "read") return null;
  return operation.can instanceof AnyPrincipal ? null : proofAgeFor(operation.can);
}

/** No credentials of ours are asked for. */
export function isForAnybody(operation: AnyOperation): operation is AnyPublic | AnyProtocol | AnyVisitor {
  return operation.form === "public" || operation.form === "protocol" || operation.form === "visitor";
}

/** Asks for a token of the user's own. */
export function isMine(operation: AnyOperation): operation is AnyMe {
  return operation.mount === "me";
}
