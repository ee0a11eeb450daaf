// The primes of the published fingerprint (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017). Chance of a
// sound key matching all of them: 2^-27.
const primes = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/**
 * CVE-2017-15361: Infineon's library chose primes as powers of 65537 modulo a product of small primes, so the modulus
 * is such a power too, modulo each of them. Such keys can be factored.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return primes.every((prime) => isPowerOf65537(Number(modulus % BigInt(prime)), prime));
}

function isPowerOf65537(residue: number, prime: number): boolean {
  let power = 1;
  do {
    if (power === residue) return true;
    power = (power * 65537) % prime;
  } while (power !== 1);
  return false;
}
