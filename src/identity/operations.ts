import type { Registry } from "#http/registry.ts";
import { ask, complete } from "./accounts/change-email.ts";
import { close } from "./accounts/close-account.ts";
import * as locks from "./accounts/locks.ts";
import * as me from "./accounts/me.ts";
import * as resets from "./accounts/password-resets.ts";
import { signIn } from "./accounts/sign-in.ts";
import { signUp, verify } from "./accounts/sign-up.ts";
import { begin, confirm, removeTotp, renew } from "./factors/enrolment.ts";
import * as factors from "./factors/operations.ts";
import { recover, secondFactor } from "./factors/second-step.ts";
import { prove } from "./factors/step-up.ts";
import { proveEmail } from "./federation/email-proof.ts";
import * as identities from "./federation/identities.ts";
import * as federation from "./federation/operations.ts";
import { accept, look } from "./members/invitations.ts";
import { leave } from "./members/leave.ts";
import * as consents from "./oauth/me.ts";
import { providerMetadata, serverMetadata } from "./oauth/metadata.ts";
import * as oauth from "./oauth/operations.ts";
import * as passkeys from "./passkeys/operations.ts";
import { create, secondFactorByPasskey, signInByPasskey } from "./passkeys/sign-in.ts";
import * as sessions from "./sessions/operations.ts";
import { refresh } from "./sessions/refresh.ts";
import * as sms from "./sms/enrolment.ts";
import * as smsSignIn from "./sms/sign-in.ts";
import * as smsStepUp from "./sms/step-up.ts";
import * as support from "./support/operations.ts";

/** How people sign up and in, and what is their own. */
export const identityOperations = {
  "sign-ups": { create: signUp, verify },
  "sign-in": {
    password: signIn,
    passkey: signInByPasskey,
    secondFactor,
    secondFactorPasskey: secondFactorByPasskey,
    recover,
    providers: federation.providers,
    federated: federation.begin,
    sso: federation.sso,
    federatedComplete: federation.complete,
    federatedEmail: proveEmail,
    sendSms: smsSignIn.send,
    secondFactorSms: smsSignIn.verify,
  },
  "passkey-challenges": { create },
  "sign-in-locks": locks,
  "password-resets": resets,
  "email-changes": { ask, complete },
  account: { close },
  tokens: { refresh },
  me: { ...me, leave, lookAtInvitation: look, acceptInvitation: accept },
  oauth: { ...oauth, providerMetadata, serverMetadata, ...consents },
  sessions,
  identities: {
    list: identities.list,
    begin: identities.begin,
    connect: identities.connect,
    remove: identities.remove,
  },
  factors,
  totp: { begin, confirm, remove: removeTotp },
  passkeys: { begin: passkeys.begin, add: passkeys.add, remove: passkeys.removePasskey },
  sms: { begin: sms.begin, confirm: sms.confirm, remove: sms.removeSms },
  "recovery-codes": { renew },
  support,
  "step-up": { prove, sendSms: smsStepUp.send, proveSms: smsStepUp.verify },
} satisfies Registry;
