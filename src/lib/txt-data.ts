/**
 * The text of a TXT record as resolvers give it in JSON: quoted strings, which are parts of one text (RFC 7208, section
 * 3.3), with the escapes of RFC 1035, section 5.1; or bare, as some do. Bytes beyond ASCII are as in Latin-1.
 */
export function textOfTxtData(data: string): string {
  if (!data.startsWith('"')) return data;
  return [...data.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, inner = ""]) => unescaped(inner)).join("");
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(\d{3}|.)/gs, (_, given: string) =>
    given.length === 3 ? String.fromCharCode(Number(given)) : given,
  );
}
