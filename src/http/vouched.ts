import type { SignedIn } from "./account-operation.ts";

// By the object itself, which is made in this process and which nothing that comes from outside can be.
const users = new WeakMap<Request, SignedIn>();

/** Has the door take a request that one of our own pages has made for this user's, by the cookie that the page verified. */
export function vouchFor(request: Request, user: SignedIn): void {
  users.set(request, user);
}

export function vouchedFor(request: Request): SignedIn | null {
  return users.get(request) ?? null;
}
