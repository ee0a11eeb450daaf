import { z } from "zod";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meReadOperation } from "#http/account-operation.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import { passwordIn, placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import { AuthorizationOutcome, ConnectedClients } from "./schema.ts";

// What they read is the directory's; what they write is a tenant's, in its cell, as the member that the user is there.

export const authorize = meReadOperation({
  mount: "me",
  method: "post",
  path: "/oauth-authorizations",
  summary: "Answer a client's authorization request, or be told what is asked",
  store: "directory",
  isForLimited: true,
  body: z
    .strictObject({
      query: z
        .string()
        .max(8192)
        .meta({
          pattern: "^[!-~]*$",
          description: "Of the request as the client made it, without the question mark.",
          examples: [
            "response_type=code&client_id=kli_eu1_01jd5r0t6vf3h8k2m4n6p8q0rs_01jd5r0t6vf3h8k2m4n6p8q0rs&scope=openid",
          ],
        }),
      decision: z
        .enum(["allow", "deny"])
        .optional()
        .meta({ description: "Absent: to be told what is asked, or let in by what was allowed before." }),
      shown: z
        .string()
        .max(4096)
        .optional()
        .meta({
          pattern: "^[!-~ ]*$",
          description:
            "With `allow`: the scopes that the user was shown, separated by spaces as `consent.allows` has them. Where others would be granted by now, they are asked anew.",
          examples: ["openid orders:read"],
        }),
    })
    .meta({ id: "AuthorizationRequest" }),
  returns: AuthorizationOutcome,
  problems: [
    "invalid",
    "not-found",
    "tenant-suspended",
    "second-factor-enrolment-required",
    "password-change-required",
    "sso-required",
    "session-limited",
    "owner-sign-in-required",
  ],
  async run({ directory, accounts, user }, { body: { query, decision = null, shown = null } }) {
    const { me, session, passwords } = await directory.read({
      me: one(users, user.userId),
      session: one(sessions, user.sessionId),
      passwords: passwordIn(userById(user.userId)),
    });
    if (!me || !session) return refuse("unauthorized");
    const isPasswordWeak = passwords[0]?.isStrong === 0;
    const { email } = me;
    const asking = { user, session, email, isPasswordWeak, ports: accounts, query, decision, shown };
    const outcome = await accounts.clients.authorize(asking);
    return outcome instanceof Refusal ? outcome : { location: null, consent: null, ...outcome };
  },
});

export const clients = meReadOperation({
  mount: "me",
  method: "get",
  path: "/oauth-clients",
  summary: "List the programs that you allowed something",
  store: "directory",
  returns: ConnectedClients,
  problems: [],
  async run({ directory, accounts, user }) {
    const { found } = await directory.read({ found: tenantsIn(userById(user.userId)) });
    return { data: await accounts.clients.connected(placesOf(found), user.userId) };
  },
});

export const disconnect = meReadOperation({
  mount: "me",
  method: "delete",
  path: "/oauth-clients/{clientId}",
  summary: "Take back what you allowed a program; its tokens are refused at once",
  store: "directory",
  params: z.object({
    clientId: z
      .string()
      .regex(/^kli_[0-9a-z_]{1,96}$/)
      .meta({ maxLength: 100 }),
  }),
  returns: z.null(),
  status: 204,
  problems: ["not-found", "tenant-suspended"],
  async run({ accounts, user }, { params }) {
    return await accounts.clients.disconnect(user, params.clientId);
  },
});
