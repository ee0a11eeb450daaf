import type { Flow } from "#crypto/flow-secrets.ts";

/** Somebody else's word for who somebody is, once it was proved to be theirs. */
export interface Vouched {
  /** The deployment's name of the provider, or the reference of a business's connection. */
  readonly source: string;
  readonly issuer: string;
  readonly subject: string;
  readonly name: string | null;
  readonly email: string | null;
  /** The issuer speaks for that address, so that nobody has to prove once more that it is theirs. */
  readonly isEmailTheirs: boolean;
  /** RFC 8176. */
  readonly methods: readonly string[];
  /** A second factor was among them. */
  readonly isStrong: boolean;
  /** When they proved there that it is them, in ms since 1970; 0 where the issuer does not tell. */
  readonly provedAt: number;
  /** The business that its sign-in is of, and whether it makes members of those who come. */
  readonly sso: { readonly reference: string; readonly addsMembers: boolean } | null;
}

/**
 * Why nobody came of it: there is no such issuer, it cannot be asked, it (or whoever it asked) said no, what it said is
 * not to be believed, or it spoke of an address that is not its business's.
 */
export type FederationFault = "unknown" | "unavailable" | "refused" | "not-genuine" | "foreign-domain";

export interface Begun {
  readonly authorizationUrl: string;
  readonly label: string;
  /** It answers by a form from its own page (OAuth 2.0 Form Post Response Mode), which brings no lax cookie along. */
  readonly isFormPost: boolean;
}

/** Other issuers, as operations on accounts meet them. */
export interface Federation {
  /** Those that anybody may sign in with. */
  readonly providers: readonly { readonly name: string; readonly label: string }[];
  /** `isFresh`: whoever signs in proves anew there that it is them. */
  readonly begin: (flow: Flow, isFresh: boolean) => Promise<Begun | FederationFault>;
  /** An answer is taken once in a request, however often it is asked for. `parameters`: a query's or a form's. */
  readonly complete: (flow: Flow, parameters: string) => Promise<Vouched | FederationFault>;
  readonly mailedCode: (arrivalId: string) => Promise<string>;
  /** Makes whoever came by a business's own sign-in a member of it, where it wants that and they are none. */
  readonly join: (reference: string, userId: string) => Promise<void>;
}
