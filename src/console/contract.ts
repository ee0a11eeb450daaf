import { openApi } from "#http/openapi/document.ts";
import type { Contract } from "#http/operation.ts";
import type { Registry } from "#http/registry.ts";
import { TextAnswer } from "#http/text-answer.ts";
import { contactsOf, securityTxt } from "#lib/security-txt.ts";
import { abouts } from "#resources/abouts.ts";
import { docsPage } from "./docs/pages.tsx";

const daily = { "Cache-Control": "public, max-age=86400" };

/** What the deployment says of itself. Made when first asked for and kept by the isolate: start-up pays nothing. */
export function contractOf(
  registry: Registry,
): (origin: string, configuredContacts: string | undefined, now: number) => Contract {
  const once = keeper();
  return (origin, configuredContacts, now) => {
    const contacts = contactsOf(configuredContacts, origin);
    const documentOf = (version: "3.1" | "3.0") =>
      once(`${version} ${origin}`, () => openApi(registry, abouts, origin, version));
    return {
      openApi: (version) =>
        once(`json ${version} ${origin}`, () => new TextAnswer(JSON.stringify(documentOf(version)))),
      page: (path) =>
        once(`page ${path} ${origin} ${contacts.join()}`, () =>
          docsPage(path, { document: documentOf("3.1"), origin, contacts }),
        ),
      securityTxt: () =>
        contacts.length === 0 ? null : new TextAnswer(securityTxt(contacts, origin, now), daily),
    };
  };
}

// What is not there is not kept: anybody may ask for any page.
function keeper(): <T>(key: string, make: () => T) => T {
  const kept = new Map<string, unknown>();
  return <T>(key: string, make: () => T) => {
    // Each key has one maker, so what is kept under it is of that maker's type.
    const value = kept.has(key) ? (kept.get(key) as T) : make();
    if (value !== null) kept.set(key, value);
    return value;
  };
}
