import { z } from "zod";
import { type Bucket, type Rule, Rules } from "./bucket-locks.ts";
import { configuration } from "./configuration.ts";
import { wrangler } from "./wrangler.ts";

/** Cloudflare's API, as one account. */
export interface Account {
  lockRules(bucket: Bucket): Promise<Rule[]>;
  putLockRules(bucket: Bucket, rules: readonly Rule[]): Promise<void>;
}

const Answer = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ message: z.string() })).default([]),
  result: z.unknown(),
});
const Locks = z.object({ rules: Rules.default([]) });
const Token = z.object({ token: z.string() });
const WhoAmI = z.object({ accounts: z.array(z.object({ id: z.string(), name: z.string() })) });

/**
 * The account that wrangler works in, by the same variables as wrangler's or whoever is signed in to it.
 * @throws Error where there is no credential, or no saying which account is meant
 */
export async function signedInAccount(): Promise<Account> {
  const base = process.env.CLOUDFLARE_API_BASE_URL ?? "https://api.cloudflare.com/client/v4";
  const token = process.env.CLOUDFLARE_API_TOKEN ?? (await wranglersToken());
  const id = process.env.CLOUDFLARE_ACCOUNT_ID ?? configuration().account_id ?? (await onlyAccount());
  return {
    async lockRules(bucket) {
      return Locks.parse(await asked(bucket, "GET")).rules;
    },
    async putLockRules(bucket, rules) {
      await asked(bucket, "PUT", JSON.stringify({ rules }));
    },
  };

  async function asked(bucket: Bucket, method: string, body?: string): Promise<unknown> {
    const { name, jurisdiction } = bucket;
    const response = await fetch(`${base}/accounts/${id}/r2/buckets/${name}/lock`, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(jurisdiction === null ? {} : { "cf-r2-jurisdiction": jurisdiction }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const answer = Answer.safeParse(await response.json().catch(() => null)).data;
    if (response.ok && answer?.success) return answer.result;
    const why = answer?.errors.map(({ message }) => message).join("; ");
    throw new Error(`Cloudflare's API answered ${response.status}${why ? `: ${why}` : ""}`);
  }
}

async function wranglersToken(): Promise<string> {
  const said = await wrangler(["auth", "token", "--json"]).catch(() => "null");
  const token = Token.safeParse(jsonOf(said)).data?.token;
  if (!token) throw new Error("Sign in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.");
  return token;
}

async function onlyAccount(): Promise<string> {
  const { accounts } = WhoAmI.parse(jsonOf(await wrangler(["whoami", "--json"])));
  const [only, ...others] = accounts;
  if (!only || others.length > 0)
    throw new Error("Set CLOUDFLARE_ACCOUNT_ID: whoever is signed in has not exactly one account.");
  return only.id;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
