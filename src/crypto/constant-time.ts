/**
 * Says whether two texts are equal in a time that depends on their lengths only, so that a caller who guesses a mac
 * character by character learns nothing from how long the refusal took.
 */
export function timingSafeEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) {
    // charCodeAt past the end is NaN, which | and ^ read as 0; the lengths have differed already.
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}
