import { issuersDomain } from "./issuer-server.ts";

/** The outside issuer of the bindings that tests start from; the matrix of every operation sends its webhooks. */
export const matrixIssuer = {
  entry: {
    name: "clerk",
    issuer: `https://clerk${issuersDomain}`,
    authorizedParties: ["https://app.keyline.example"],
    roles: { "org:admin": "admin", "org:member": "staff" },
  },
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
} as const;
