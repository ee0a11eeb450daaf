/**
 * The one form in which a password is judged, hashed and compared, however a keyboard composed it. Changing the result
 * locks out everybody whose password it changes.
 */
export function normalisePassword(text: string): string {
  return text.normalize("NFKC");
}
