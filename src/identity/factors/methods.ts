import { z } from "zod";

const Methods = z.array(z.string());

/** What a row keeps of how its user proved themselves: a JSON array of RFC 8176's names, and of ours. */
interface Proved {
  readonly methods: string;
}

// By a factor of the account's own: neither by an issuer's word nor by a telephone company's.
const ownFactors: readonly string[] = ["otp", "hwk", "swk"];

export function methodsOf({ methods }: Proved): string[] {
  return Methods.parse(JSON.parse(methods));
}

/** Those of before and those proved now, each once. */
export function withMethods(before: Proved, proved: readonly string[]): string[] {
  return [...new Set([...methodsOf(before), ...proved])];
}

export function hasOwnFactor(methods: readonly string[]): boolean {
  return methods.some((each) => ownFactors.includes(each));
}
