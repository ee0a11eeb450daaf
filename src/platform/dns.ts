import { z } from "zod";
import { secondMs } from "#lib/time.ts";
import { textOfTxtData } from "#lib/txt-data.ts";
import { withDeadline } from "./deadline.ts";
import type { Env } from "./env.ts";

const timeoutMs = 5 * secondMs;
const types = { A: 1, TXT: 16, AAAA: 28 } as const;
const noError = 0;
const noSuchName = 3;

const Answer = z.object({
  Status: z.int(),
  TC: z.boolean().optional(),
  Answer: z.array(z.object({ type: z.int(), data: z.string() })).optional(),
});

/**
 * All addresses of a name, asked by DNS over HTTPS in its JSON form, as Workers have no resolver of their own.
 * @throws Error where the resolver cannot be asked or does not answer fully; a name without addresses gives none
 */
export async function addressesOf(env: Env, name: string): Promise<string[]> {
  const answers = await Promise.all([ask(env, name, "A"), ask(env, name, "AAAA")]);
  return answers.flat();
}

/**
 * The texts of a name's TXT records.
 * @throws Error as addressesOf; a name without any gives none
 */
export async function textsOf(env: Env, name: string): Promise<string[]> {
  return (await ask(env, name, "TXT")).map(textOfTxtData);
}

async function ask(env: Env, name: string, type: keyof typeof types): Promise<string[]> {
  const url = new URL(env.DOH_URL);
  url.searchParams.set("name", name);
  url.searchParams.set("type", type);
  const answer = await withDeadline(timeoutMs, async (signal) => {
    const response = await fetch(url, {
      headers: { Accept: "application/dns-json" },
      redirect: "manual",
      signal,
    });
    if (!response.ok) throw new Error(`The resolver answered ${response.status}.`);
    return Answer.parse(await response.json());
  });
  // What was cut off could be the address that matters.
  if (answer.TC === true) throw new Error("The resolver's answer was cut off.");
  if (answer.Status === noSuchName) return [];
  if (answer.Status !== noError) throw new Error(`The resolver answered with code ${answer.Status}.`);
  return (answer.Answer ?? []).filter((record) => record.type === types[type]).map(({ data }) => data);
}
