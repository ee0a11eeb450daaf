import { clientOf } from "./client.ts";
import type { Example } from "./examples.ts";
import { goodPassword, newAddress, newEmail, newUser, tokenMailedTo } from "./identity/kit.ts";

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
