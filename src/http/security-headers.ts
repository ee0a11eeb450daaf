/** On every answer, whatever it is. An answer's own header wins over these. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy":
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

const exposed =
  "X-Request-Id, X-Keyline-Bookmark, X-Keyline-Cell, X-Keyline-Key-Retires, X-Keyline-Impersonation, ETag, RateLimit, RateLimit-Policy, Retry-After, Idempotency-Replayed, Accept-Ranges, Content-Range, Content-Disposition";

/**
 * A preflight carries no credentials and comes before authentication, so it cannot be held to a tenant's list: it says
 * what may be asked, and the request itself is refused and gets no Access-Control-Allow-Origin where the list lacks it.
 */
export function preflightHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Methods": "GET, POST, PATCH, PUT, DELETE",
    "Access-Control-Allow-Headers":
      "Authorization, Content-Type, Content-Digest, Idempotency-Key, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range, Range, X-Keyline-Bookmark",
    "Access-Control-Max-Age": "600",
  };
}

/** Beside Access-Control-Allow-Origin on an answer that a page may read. */
export const exposedHeaders: Readonly<Record<string, string>> = { "Access-Control-Expose-Headers": exposed };
