import type { Registry } from "#http/registry.ts";
import * as locks from "./accounts/locks.ts";
import * as me from "./accounts/me.ts";
import * as resets from "./accounts/password-resets.ts";
import { signIn } from "./accounts/sign-in.ts";
import { signUp, verify } from "./accounts/sign-up.ts";
import * as sessions from "./sessions/operations.ts";
import { refresh } from "./sessions/refresh.ts";

/** How people sign up and in, and what is their own. */
export const identityOperations = {
  "sign-ups": { create: signUp, verify },
  "sign-in": { password: signIn },
  "sign-in-locks": locks,
  "password-resets": resets,
  tokens: { refresh },
  me,
  sessions,
} satisfies Registry;
