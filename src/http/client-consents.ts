import type { sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Place } from "#gate/members-of-user.ts";
import type { AccountPorts, SignedIn } from "./account-operation.ts";
import type { Refusal } from "./outcome.ts";

/** What a user lets programs do for them. It is their tenants', in their cells: the user acts there as the member they are. */
export interface ClientConsents {
  readonly authorize: (asking: Authorizing) => Promise<Authorized | Refusal>;
  readonly connected: (places: readonly Place[], userId: string) => Promise<ConnectedClient[]>;
  /** null where it was done. */
  readonly disconnect: (user: SignedIn, clientId: string) => Promise<Refusal | null>;
}

export interface Authorizing {
  readonly user: SignedIn;
  readonly session: Row<typeof sessions>;
  readonly email: string;
  readonly isPasswordWeak: boolean;
  readonly ports: Pick<AccountPorts, "issuer" | "makeToken">;
  /** The query of the request as the client made it. */
  readonly query: string;
  /** What the user said; null where they were not asked yet. */
  readonly decision: "allow" | "deny" | null;
  /** The scopes that they said it to, separated by spaces; null where the answer does not tell. */
  readonly shown: string | null;
}

/** What comes of an authorization request: where the browser goes, or what its user is asked first. */
export type Authorized =
  | { readonly next: "redirect"; readonly location: string }
  | { readonly next: "sign-in" }
  | { readonly next: "consent"; readonly consent: Asked };

/** What a user is asked, in words. */
export interface Asked {
  readonly client: string;
  readonly tenant: string;
  /** Whom the answer is sent to. */
  readonly host: string;
  readonly allows: { readonly scope: string; readonly label: string }[];
}

/** A client that a user allowed something, as they see it. */
export interface ConnectedClient {
  readonly clientId: string;
  readonly name: string;
  readonly tenantId: string;
  readonly scope: string;
  readonly since: string;
}
