import type { Header, JsonSchema, Parameter } from "./types.ts";

const visible = (maxLength: number, pattern: string): JsonSchema => ({ type: "string", maxLength, pattern });

/** Headers of the answers. */
export const answered: Readonly<Record<string, Omit<Header, "required">>> = {
  "X-Request-Id": {
    description: "Names this call in our logs; quote it when you ask for help.",
    schema: visible(64, "^req_[0-9a-z]{26}$"),
  },
  "RateLimit-Policy": {
    description:
      "The limit that holds (IETF draft, structured field): `q` calls in `w` seconds, and its burst. Its name is the plan, `key` where the key has a limit of its own, and ends in `-expensive` for operations that have a limit of their own.",
    schema: visible(100, '^"[a-z-]+";q=\\d+;w=\\d+;keyline-burst=\\d+$'),
  },
  RateLimit: {
    description: "What is left of it: `r` more calls now, all of them again in `t` seconds.",
    schema: visible(100, '^"[a-z-]+";r=\\d+;t=\\d+$'),
  },
  "Retry-After": {
    description: "Seconds to wait before asking again.",
    schema: { type: "integer", format: "int32", minimum: 0, maximum: 86400 },
  },
  ETag: {
    description: "The version of what is answered; send it back as If-Match or If-None-Match.",
    schema: visible(80, '^"[^"]+"$'),
  },
  "X-Keyline-Bookmark": {
    description: "Send it with the next call, and that call sees at least what this one saw.",
    schema: visible(300, "^[0-9a-f-]+~[A-Za-z0-9_-]{22}$"),
  },
  "X-Keyline-Cell": { description: "The cell that answered.", schema: visible(16, "^[a-z0-9]+$") },
  "X-Keyline-Key-Retires": {
    description: "This key has a successor: until when it is let in beside it (RFC 3339).",
    schema: visible(24, "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$"),
  },
  "X-Keyline-Impersonation": {
    description:
      "An agent of support acts: in which session, who, and until when (a dictionary of structured fields, RFC 9651).",
    schema: visible(
      140,
      '^session=sps_[0-9a-z]{26}, agent=agt_[0-9a-z]{26}, ends="\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z"$',
    ),
  },
  "Idempotency-Replayed": {
    description: "`true`: this is the answer that the first call with this Idempotency-Key was given.",
    schema: { type: "string", enum: ["true"] },
  },
  "Access-Control-Allow-Origin": {
    description:
      "For pages of other origins: the caller's, where the tenant allows it; `*` on public answers.",
    schema: visible(255, "^(?:\\*|https?://[^/]+)$"),
  },
  "WWW-Authenticate": {
    description:
      "`Bearer`, and where a more recent proof is asked for how recent (RFC 9470, section 3); of the endpoints of OAuth `Basic` too, with what was amiss.",
    schema: visible(300, "^(?:Bearer|Basic)(?: [ -~]+)?$"),
  },
  "Accept-Ranges": {
    description: "`bytes`: any part can be asked for with Range.",
    schema: { type: "string", enum: ["bytes"] },
  },
  "Content-Range": {
    description: "Which of how many bytes these are (RFC 9110, section 14.4).",
    schema: visible(80, "^bytes (?:\\d+-\\d+|\\*)/\\d+$"),
  },
  "Last-Modified": {
    description: "Since when the bytes are these.",
    schema: visible(29, "^[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT$"),
  },
  "Content-Disposition": {
    description: "The name to save it under, and whether a browser may show it (RFC 6266).",
    schema: visible(4000, "^(?:inline|attachment)(?:;[ -~]*)?$"),
  },
  "Cache-Control": { description: "How long the answer may be kept.", schema: visible(100, "^[ -~]+$") },
};

/** Headers of the requests, by the name of their component. */
export const requestHeaders: Readonly<Record<string, Parameter>> = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    description:
      "Any text that names this attempt, such as a UUID. The same key with the same body gets the first answer again instead of a second effect.",
    schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" },
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    required: false,
    description: "Do it only while it is of this version (the ETag of a former answer), or `*`.",
    schema: visible(500, '^(?:\\*|(?:W/)?"[^"]*"(?:\\s*,\\s*(?:W/)?"[^"]*")*)$'),
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    required: false,
    description: "Answer 304 and no body while it is of this version.",
    schema: visible(500, '^(?:\\*|(?:W/)?"[^"]*"(?:\\s*,\\s*(?:W/)?"[^"]*")*)$'),
  },
  Range: {
    name: "Range",
    in: "header",
    required: false,
    description: "Only these bytes, answered 206: `bytes=0-1023`, or `bytes=-1024` for the last.",
    schema: visible(80, "^bytes=[0-9, -]+$"),
  },
  IfRange: {
    name: "If-Range",
    in: "header",
    required: false,
    description: "The ETag that the bytes held so far had: all of them where it is another by now.",
    schema: visible(80, "^[ -~]+$"),
  },
  IfModifiedSince: {
    name: "If-Modified-Since",
    in: "header",
    required: false,
    description: "Answer 304 and no body unless it was changed since. If-None-Match is more exact.",
    schema: visible(40, "^[ -~]+$"),
  },
  IfUnmodifiedSince: {
    name: "If-Unmodified-Since",
    in: "header",
    required: false,
    description: "Do it only while it is unchanged since, else answer 412. If-Match is more exact.",
    schema: visible(40, "^[ -~]+$"),
  },
  ContentDigest: {
    name: "Content-Digest",
    in: "header",
    required: false,
    description: "What has to arrive, or nothing is kept: `sha-256=:<base64>:` (RFC 9530).",
    schema: visible(500, "^[ -~]+$"),
  },
  Bookmark: {
    name: "X-Keyline-Bookmark",
    in: "header",
    required: false,
    description: "The bookmark of a former answer: read at least what that one saw.",
    schema: visible(300, "^[\\x21-\\x7e]+$"),
  },
};
