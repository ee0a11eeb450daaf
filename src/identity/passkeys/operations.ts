import { z } from "zod";
import { insert, remove } from "#db/changes.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meWriteOperation } from "#http/account-operation.ts";
import { commit, refuse, refuseField } from "#http/outcome.ts";
import { userById } from "#identity/accounts/account-queries.ts";
import { canSignIn } from "#identity/accounts/ways-in.ts";
import { factorQueries, mostPasskeys } from "#identity/factors/factor-queries.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { leftTooWeak, standing, strengthened, weakened } from "#identity/factors/standing.ts";
import { passkeys } from "#identity/tables.ts";
import { amrOf, registrationOptions, verifyNewPasskey } from "./ceremony.ts";
import { AddedPasskey, Attestation, CreationOptions, PasskeyId, PasskeyName } from "./schema.ts";

export const begin = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/factors/passkeys/options",
  summary: "Begin to add a passkey",
  store: "directory",
  provedWithinSeconds: securityAge,
  returns: CreationOptions,
  problems: [],
  async run(context) {
    const { directory, user } = context;
    const { me, passkeys: known } = await directory.read({
      me: one(users, user.userId),
      ...factorQueries(userById(user.userId)),
    });
    if (!me) return refuse("unauthorized");
    return commit(await registrationOptions(context, me, known));
  },
});

export const add = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/factors/passkeys",
  summary: "Add a passkey; your other sessions end",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: z.strictObject({ name: PasskeyName, response: Attestation }).meta({ id: "NewPasskey" }),
  returns: AddedPasskey,
  shownOnce: ["recoveryCodes"],
  status: 201,
  endsSessions: true,
  problems: [],
  async run(context, { body }) {
    const { newId, user, now } = context;
    const found = await standing(context);
    if (!found) return refuse("unauthorized");
    const known = found.factors.passkeys;
    if (known.length >= mostPasskeys) return refuseField("/response", `is more than ${mostPasskeys}`);
    const made = await verifyNewPasskey(context, body.response);
    if (!made || known.some(({ credentialId }) => credentialId === made.credentialId))
      return refuseField("/response", "is not what was asked for");
    const { codes, changes } = await strengthened(context, found, "passkey", amrOf(made));
    const added = insert(passkeys, { id: newId("psk"), userId: user.userId, name: body.name, ...made }, now);
    return commit({ id: added.row.id, recoveryCodes: codes }, added, ...changes);
  },
});

export const removePasskey = meWriteOperation({
  mount: "me",
  method: "delete",
  path: "/factors/passkeys/{passkeyId}",
  summary: "Remove a passkey; your other sessions end, and with your last factor this one",
  store: "directory",
  provedWithinSeconds: securityAge,
  params: z.object({ passkeyId: PasskeyId }),
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["not-found", "last-way-in", "sms-not-enough"],
  async run(context, { params }) {
    const found = await standing(context);
    if (!found) return refuse("unauthorized");
    const { passkeys: known } = found.factors;
    const passkey = known.find(({ id }) => id === params.passkeyId);
    if (!passkey) return refuse("not-found");
    const left = { ...found.factors, passkeys: known.filter(({ id }) => id !== passkey.id) };
    if (!canSignIn({ ...found.waysIn, passkeys: left.passkeys })) return refuse("last-way-in");
    const refusal = await leftTooWeak(context, found, left);
    return refusal ?? commit(null, remove(passkeys, passkey), ...weakened(context, found, "passkey", left));
  },
});
