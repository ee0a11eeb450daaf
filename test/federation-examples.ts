import { clientOf } from "./client.ts";
import type { Example } from "./examples.ts";
import { arriveBy, newSubject, signInAt, tripTo, visited } from "./identity/federation/kit.ts";
import { newSso } from "./identity/federation/sso-kit.ts";
import { mailsTo, newAddress, newEmail, newUser } from "./identity/kit.ts";

const { call } = clientOf();

const proved = () => ({
  sub: newSubject(),
  email: newEmail().replace("people.example", "gmail.com"),
  email_verified: true,
});

/** Of signing in at other issuers. */
export const federationExamples: Readonly<Record<string, Example>> = {
  "sign-in.providers": { needs: "nobody", make: () => ({}) },
  "sign-in.federated": {
    needs: "nobody",
    make: () => ({ body: { source: "google" }, headers: newAddress() }),
  },
  "sign-in.sso": {
    needs: "nobody",
    make: async () => ({ body: { email: `ada@${(await newSso()).domain}` }, headers: newAddress() }),
  },
  "sign-in.federatedComplete": {
    needs: "nobody",
    async make() {
      const claims = proved();
      await signInAt("google", { claims });
      const { to: _, ...body } = await tripTo("google", { claims });
      return { body, headers: newAddress() };
    },
  },
  "sign-in.federatedEmail": {
    needs: "nobody",
    async make() {
      const email = newEmail();
      const { json } = await arriveBy(await tripTo("work", { claims: { sub: newSubject(), email } }));
      const [mail] = await mailsTo(email);
      return { body: { challenge: json.challenge, code: mail?.data.code }, headers: newAddress() };
    },
  },
  "identities.list": {
    needs: "the user",
    make: async () => ({ as: (await signInAt("google", { claims: proved() })).json.accessToken }),
  },
  "identities.begin": {
    needs: "the user",
    make: async () => ({ as: (await newUser()).accessToken, body: { source: "google" } }),
  },
  "identities.connect": {
    needs: "the user",
    make: connection,
  },
  "identities.remove": {
    needs: "the user",
    async make() {
      const { as, body } = await connection();
      await call("identities.connect", { as, body });
      const { json } = await call("identities.list", { as });
      return { as, params: { identityId: json.data[0].id } };
    },
  },
};

async function connection() {
  const as = (await newUser()).accessToken;
  const { json } = await call("identities.begin", { as, body: { source: "google" } });
  const { parameters } = await visited(json.authorizationUrl, { claims: proved() });
  return { as, body: { flow: json.flow, source: "google", parameters } };
}
