import type { ProtocolAnswer } from "#http/protocol-answer.ts";
import { type ClientPlace, parseClientId } from "#lib/oauth-client-id.ts";
import type { Form } from "./form.ts";
import { invalidClient, refused } from "./refusals.ts";

/** Who a client says it is, and by what it would prove it. */
export interface ClientClaim {
  readonly clientId: string;
  readonly place: ClientPlace;
  readonly secret: string | null;
}

/** RFC 6749 section 2.3.1: by Basic, or in the form, and never by both. */
export function clientClaim(authorization: string | undefined, form: Form): ClientClaim | ProtocolAnswer {
  const inForm = { id: form.get("client_id"), secret: form.get("client_secret") };
  if (authorization === undefined) return claim(inForm.id, inForm.secret ?? null);
  const basic = basicOf(authorization);
  if (!basic) return invalidClient;
  if (inForm.secret !== undefined) return refused("invalid_request", "The client proves itself in two ways.");
  if (inForm.id !== undefined && inForm.id !== basic.id)
    return refused("invalid_request", "The client has two ids.");
  return claim(basic.id, basic.secret === "" ? null : basic.secret);
}

function claim(id: string | undefined, secret: string | null): ClientClaim | ProtocolAnswer {
  const place = id === undefined ? null : parseClientId(id);
  return id === undefined || !place ? invalidClient : { clientId: id, place, secret };
}

function basicOf(authorization: string): { id: string; secret: string } | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]{1,1000}={0,2})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return null;
  try {
    const text = atob(encoded);
    const colon = text.indexOf(":");
    if (colon < 0) return null;
    const plain = (part: string) => decodeURIComponent(part.replaceAll("+", " "));
    return { id: plain(text.slice(0, colon)), secret: plain(text.slice(colon + 1)) };
  } catch {
    return null;
  }
}
