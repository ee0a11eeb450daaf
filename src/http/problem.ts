import { accountProblems } from "./account-problems.ts";
import { rightsProblems } from "./rights-problems.ts";
import { ssoProblems } from "./sso-problems.ts";

/**
 * Every problem this API answers with (RFC 9457). The name is the last part of its `type`, which GET /problems/{type}
 * explains; a name never changes its meaning.
 */
export const problems = {
  ...accountProblems,
  ...rightsProblems,
  ...ssoProblems,
  "malformed-request": {
    status: 400,
    title: "The request could not be read.",
    meaning: "The body is not JSON, or a header is not of its form.",
  },
  "signature-invalid": {
    status: 400,
    title: "The signature does not verify.",
    meaning: "A signed message is not of its sender, or its timestamp is more than five minutes off.",
  },
  unauthorized: {
    status: 401,
    title: "No valid credentials.",
    meaning: "The key or token is missing, malformed, unknown, expired or revoked.",
  },
  forbidden: {
    status: 403,
    title: "Not allowed.",
    meaning: "The principal does not hold the capability this operation asks for.",
  },
  "address-not-allowed": {
    status: 403,
    title: "This address is not let in.",
    meaning: "The key, or the business, has an IP allow list and the caller is not on it.",
  },
  "origin-not-allowed": {
    status: 403,
    title: "This origin may not call the API.",
    meaning: "The page's origin is not on the tenant's list, or not on the key's own.",
  },
  "tenant-suspended": {
    status: 403,
    title: "This tenant is suspended.",
    meaning: "The tenant is frozen or being closed; nothing is read or written.",
  },
  "https-required": {
    status: 403,
    title: "Use https.",
    meaning: "The API is not served over plain http, or over a TLS version below the deployment's minimum.",
  },
  "not-found": {
    status: 404,
    title: "Not found.",
    meaning: "No such thing exists that this principal may know of.",
  },
  conflict: {
    status: 409,
    title: "Somebody else changed this meanwhile.",
    meaning: "The row kept changing while this request ran. Read it again and retry.",
  },
  "in-progress": {
    status: 409,
    title: "The first request with this key is still under way.",
    meaning: "An effect with the same Idempotency-Key has begun and has not ended.",
  },
  "upload-broken": {
    status: 400,
    title: "The body did not arrive whole.",
    meaning: "It ended before its Content-Length, or held more. Nothing of it is kept; send it again.",
  },
  "upload-too-slow": {
    status: 408,
    title: "The body took too long.",
    meaning: "It was cut off and nothing of it is kept. Send large files in parts.",
  },
  "length-required": {
    status: 411,
    title: "Send a Content-Length.",
    meaning: "The size of a streamed body has to be known before its first byte.",
  },
  "range-not-satisfiable": {
    status: 416,
    title: "There are no such bytes.",
    meaning: "The range lies behind the end; Content-Range tells the size.",
  },
  "order-not-editable": {
    status: 409,
    title: "The order can no longer be edited.",
    meaning: "Lines and due date change only while the order is a draft.",
  },
  "transition-not-allowed": {
    status: 409,
    title: "The order cannot go there from its present status.",
    meaning: "The status machine has no such transition.",
  },
  "location-in-use": {
    status: 409,
    title: "The location is in use.",
    meaning: "Orders, members, invitations or keys refer to it.",
  },
  "subject-erased": {
    status: 409,
    title: "The person's data was erased.",
    meaning: "Nothing can be kept about them any more. What is not personal can still be changed.",
  },
  "customer-deleted": {
    status: 409,
    title: "The customer is deleted.",
    meaning: "Restore the customer before changing it.",
  },
  "address-has-consent": {
    status: 409,
    title: "Another customer of this tenant with the same e-mail address gave consent.",
    meaning: "A person has one consent per tenant. Withdraw that of the other record first.",
  },
  "file-deleted": {
    status: 409,
    title: "The file is deleted.",
    meaning: "Restore the file before changing it.",
  },
  "file-not-pending": {
    status: 409,
    title: "The file takes no bytes any more.",
    meaning: "They are there, or an upload in parts has begun, or it is deleted. Add a new version instead.",
  },
  "file-not-uploading": {
    status: 409,
    title: "No upload in parts is under way.",
    meaning: "It was not begun, or it has been completed, deleted or swept.",
  },
  "file-not-ready": {
    status: 409,
    title: "The file is not whole, or it is deleted.",
    meaning: "Its `state` tells; only a file that is ready can be downloaded, versioned or restored.",
  },
  "files-unfinished": {
    status: 409,
    title: "Too many files are unfinished.",
    meaning: "A tenant may have 1,000 whose bytes have not arrived. Upload some; the others go after a day.",
  },
  "file-superseded": {
    status: 409,
    title: "There is a newer version.",
    meaning: "Versions follow one another: add yours to the newest.",
  },
  "parts-missing": {
    status: 409,
    title: "Not all parts have arrived.",
    meaning: "Upload those that are named, then complete again.",
  },
  "parts-mismatch": {
    status: 409,
    title: "The parts are not those that were recorded.",
    meaning: "Two uploads of one part crossed each other. Upload the parts again, or delete the file.",
  },
  "endpoint-disabled": {
    status: 409,
    title: "The webhook endpoint is disabled.",
    meaning: "Nothing is sent to it until it is enabled.",
  },
  "too-many-clients": {
    status: 409,
    title: "There are as many OAuth clients as there can be.",
    meaning: "A tenant has at most 100; remove one first.",
  },
  "too-many-endpoints": {
    status: 409,
    title: "There are as many webhook endpoints as there can be.",
    meaning: "A tenant has at most 50; remove one first.",
  },
  "precondition-failed": {
    status: 412,
    title: "The precondition does not hold.",
    meaning: "If-Match names a version that is not the present one.",
  },
  "too-large": {
    status: 413,
    title: "The body is too large.",
    meaning: "A JSON body is at most 256 KB, a streamed one 95 MB; send larger files in parts.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "Send JSON.",
    meaning: "Content-Type must be application/json.",
  },
  invalid: {
    status: 422,
    title: "The request has invalid fields.",
    meaning: "`errors` names each field and what is wrong with it.",
  },
  "customer-without-email": {
    status: 422,
    title: "The customer has no e-mail address.",
    meaning: "It is what the same person is known by at another venue; without one nothing can be shared.",
  },
  "file-exceeds-plan": {
    status: 422,
    title: "The file is larger than the plan allows.",
    meaning: "Each plan has a largest file.",
  },
  "size-mismatch": {
    status: 422,
    title: "The body is not of the size that was announced.",
    meaning: "Content-Length differs from the file's size, or from what a part of this number must be.",
  },
  "media-type-mismatch": {
    status: 422,
    title: "The content is not of the declared media type.",
    meaning: "Its first bytes say otherwise. Nothing of it is kept.",
  },
  "sha256-mismatch": {
    status: 422,
    title: "The content has another SHA-256.",
    meaning: "It differs from the announced one, or from Content-Digest. Nothing of it is kept.",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "This Idempotency-Key was used for another request.",
    meaning: "The same key came with another body.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests.",
    meaning: "The plan's rate is used up; Retry-After says when to try again.",
  },
  internal: {
    status: 500,
    title: "Something went wrong on our side.",
    meaning: "It was logged under the request's id.",
  },
  "upstream-failed": {
    status: 502,
    title: "A service behind this one failed.",
    meaning: "The effect is kept and tried again; ask again with the same Idempotency-Key.",
  },
  unavailable: {
    status: 503,
    title: "Try again shortly.",
    meaning: "The deployment is busy or its rights are changing right now.",
  },
} as const;

export type ProblemName = keyof typeof problems;

export interface FieldError {
  /** A JSON pointer into the body. */
  readonly pointer?: string;
  /** The query parameter or header, where it is not the body's. */
  readonly parameter?: string;
  readonly detail: string;
}

/** What a refusal says beyond its name. */
export interface ProblemDetails {
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  /** How long ago the last proof may lie, where one is asked for anew. */
  readonly maxAgeSeconds?: number;
  /** What the second step of a sign-in goes on from, and by what. */
  readonly challenge?: string;
  readonly methods?: readonly string[];
}

export function isProblemName(text: string): text is ProblemName {
  return Object.hasOwn(problems, text);
}

// Pointers repeat what the client sent, so what it can make us say back has an end.
function bounded({ pointer, parameter, detail }: FieldError) {
  const cut = (text?: string) => text?.slice(0, 500);
  return { pointer: cut(pointer), parameter: cut(parameter), detail: detail.slice(0, 1000) };
}

/** The problem document's body. */
export function problemBody(name: ProblemName, requestId: string, details: ProblemDetails = {}) {
  const { status, title } = problems[name];
  const { errors, maxAgeSeconds, challenge, methods } = details;
  return {
    type: `/problems/${name}`,
    title,
    status,
    requestId,
    ...(errors ? { errors: errors.map(bounded) } : {}),
    // JSON leaves out what is undefined.
    maxAgeSeconds,
    challenge,
    methods,
  };
}
