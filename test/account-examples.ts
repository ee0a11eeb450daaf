import { clientOf } from "./client.ts";
import { testEnv } from "./env.ts";
import type { Example } from "./examples.ts";
import { Authenticator } from "./identity/authenticator.ts";
import {
  beginSms,
  challengeOf,
  codeForSignIn,
  codeOf,
  codeTextedTo,
  goodPassword,
  newAddress,
  newBearer,
  newEmail,
  newEnrolled,
  newNumber,
  newTextable,
  newTexted,
  newUser,
  proofOptions,
  tokenMailedTo,
} from "./identity/kit.ts";

const { call } = clientOf();

/** Of people's accounts: each has somebody of its own, and comes from an address of its own. */
export const accountExamples: Readonly<Record<string, Example>> = {
  "sign-ups.create": {
    needs: "nobody",
    make: () => ({
      body: { name: "Ada Lovelace", email: newEmail(), password: goodPassword },
      headers: newAddress(),
    }),
  },
  "sign-ups.verify": {
    needs: "nobody",
    async make() {
      const email = newEmail();
      const headers = newAddress();
      await call("sign-ups.create", { body: { name: "Ada", email, password: goodPassword }, headers });
      return { body: { token: await tokenMailedTo(email), password: goodPassword }, headers };
    },
  },
  "sign-in.password": {
    needs: "nobody",
    make: async () => ({
      body: { email: (await newUser()).email, password: goodPassword },
      headers: newAddress(),
    }),
  },
  "sign-in.secondFactor": {
    needs: "nobody",
    async make() {
      const user = await newEnrolled();
      return {
        body: { challenge: await challengeOf(user), code: codeOf(user.secret) },
        headers: newAddress(),
      };
    },
  },
  "sign-in.passkey": {
    needs: "nobody",
    bodyIds: ["/response/rawId"],
    async make() {
      const { device } = await newBearer();
      return { body: { response: await device.prove(await proofOptions()) }, headers: newAddress() };
    },
  },
  "sign-in.secondFactorPasskey": {
    needs: "nobody",
    bodyIds: ["/response/rawId"],
    async make() {
      const user = await newBearer();
      const response = await user.device.prove(await proofOptions());
      return { body: { challenge: await challengeOf(user), response }, headers: newAddress() };
    },
  },
  "passkey-challenges.create": { needs: "nobody", make: () => ({}) },
  "passkeys.begin": { needs: "the user", make: asSomebody },
  "passkeys.add": {
    needs: "the user",
    bodyIds: ["/response/rawId"],
    async make() {
      const { accessToken: as } = await newUser();
      const { json } = await call("passkeys.begin", { as });
      const response = await new Authenticator(testEnv().PUBLIC_ORIGIN).create(json);
      return { as, body: { name: "Phone", response } };
    },
  },
  "passkeys.remove": {
    needs: "the user",
    async make() {
      const { accessToken: as, passkeyId } = await newBearer();
      return { as, params: { passkeyId } };
    },
  },
  "sign-in.recover": {
    needs: "nobody",
    async make() {
      const user = await newEnrolled();
      const [recoveryCode] = user.recoveryCodes;
      return { body: { challenge: await challengeOf(user), recoveryCode }, headers: newAddress() };
    },
  },
  "sign-in-locks.clear": {
    needs: "nobody",
    async make() {
      const { email } = await newUser();
      const headers = newAddress();
      for (let tries = 0; tries < 5; tries += 1)
        await call("sign-in.password", { body: { email, password: "not this one at all" }, headers });
      return { body: { token: await tokenMailedTo(email) }, headers };
    },
  },
  "password-resets.ask": {
    needs: "nobody",
    make: async () => ({ body: { email: (await newUser()).email }, headers: newAddress() }),
  },
  "password-resets.complete": {
    needs: "nobody",
    async make() {
      const { email } = await newUser();
      const headers = newAddress();
      await call("password-resets.ask", { body: { email }, headers });
      return { body: { token: await tokenMailedTo(email), password: "seven loud trumpets sink" }, headers };
    },
  },
  "tokens.refresh": {
    needs: "nobody",
    make: async () => ({ body: { refreshToken: (await newUser()).refreshToken } }),
  },
  "me.get": { needs: "the user", make: asSomebody },
  "me.tenants": { needs: "the user", make: asSomebody },
  "me.changePassword": {
    needs: "the user",
    make: async () => ({
      ...(await asSomebody()),
      body: { currentPassword: goodPassword, password: "seven loud trumpets sink" },
      headers: newAddress(),
    }),
  },
  "factors.list": { needs: "the user", make: asSomebody },
  "totp.begin": { needs: "the user", make: asSomebody },
  "totp.confirm": {
    needs: "the user",
    async make() {
      const { accessToken: as } = await newUser();
      const { json } = await call("totp.begin", { as });
      return { as, params: { totpId: json.id }, body: { code: codeOf(json.secret) } };
    },
  },
  "totp.remove": {
    needs: "the user",
    async make() {
      const { accessToken: as, totpId } = await newEnrolled();
      return { as, params: { totpId } };
    },
  },
  "sms.begin": {
    needs: "the user",
    async make() {
      const { accessToken: as } = await newTextable();
      return { as, body: { number: newNumber() }, headers: newAddress() };
    },
  },
  "sms.confirm": {
    needs: "the user",
    async make() {
      const [user, number] = [await newTextable(), newNumber()];
      await beginSms(user, number);
      return { as: user.accessToken, body: { code: await codeTextedTo(number) }, headers: newAddress() };
    },
  },
  "sms.remove": {
    needs: "the user",
    make: async () => ({ as: (await newTexted()).accessToken }),
  },
  "sign-in.sendSms": {
    needs: "nobody",
    make: async () => ({ body: { challenge: await challengeOf(await newTexted()) }, headers: newAddress() }),
  },
  "sign-in.secondFactorSms": {
    needs: "nobody",
    async make() {
      const user = await newTexted();
      const challenge = await challengeOf(user);
      return { body: { challenge, code: await codeForSignIn(user, challenge) }, headers: newAddress() };
    },
  },
  "step-up.sendSms": {
    needs: "the user",
    make: async () => ({ as: (await newTexted()).accessToken, headers: newAddress() }),
  },
  "step-up.proveSms": {
    needs: "the user",
    async make() {
      const { accessToken: as, number } = await newTexted();
      await call("step-up.sendSms", { as, headers: newAddress() });
      return { as, body: { code: await codeTextedTo(number) }, headers: newAddress() };
    },
  },
  "recovery-codes.renew": {
    needs: "the user",
    make: async () => ({ as: (await newEnrolled()).accessToken }),
  },
  "step-up.prove": {
    needs: "the user",
    bodyIds: ["/passkey/rawId"],
    async make() {
      const { accessToken: as, secret } = await newEnrolled();
      return { as, body: { code: codeOf(secret) }, headers: newAddress() };
    },
  },
  "account.close": { needs: "the user", make: asSomebody },
  "email-changes.ask": {
    needs: "the user",
    make: async () => ({ ...(await asSomebody()), body: { email: newEmail() }, headers: newAddress() }),
  },
  "email-changes.complete": {
    needs: "nobody",
    async make() {
      const { accessToken: as } = await newUser();
      const email = newEmail();
      await call("email-changes.ask", { as, body: { email }, headers: newAddress() });
      return { body: { token: await tokenMailedTo(email), password: goodPassword }, headers: newAddress() };
    },
  },
  "sessions.list": { needs: "the user", make: asSomebody },
  "sessions.end": {
    needs: "the user",
    async make() {
      const { accessToken, sessionId } = await newUser();
      return { as: accessToken, params: { sessionId } };
    },
  },
  "sessions.endOthers": { needs: "the user", make: asSomebody },
  "sessions.signOut": { needs: "the user", make: asSomebody },
};

async function asSomebody() {
  return { as: (await newUser()).accessToken };
}
