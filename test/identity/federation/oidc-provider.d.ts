declare module "oidc-provider" {
  import type { RequestListener } from "node:http";

  /** What of the library the tests use; it brings no types along. */
  export interface Context {
    readonly path: string;
    body: unknown;
  }

  export default class Provider {
    constructor(issuer: string, configuration: object);
    callback(): RequestListener;
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
  }
}
