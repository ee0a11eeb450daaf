import { changeAccount, confirmEmail, showAccount, showConfirmEmail } from "./account.tsx";
import { decide, showAuthorization } from "./authorize.tsx";
import * as federated from "./federated.tsx";
import { mintToken, showHome } from "./home.tsx";
import { join, showJoin } from "./join.tsx";
import * as passwords from "./passwords.tsx";
import { endProgram, showPrograms } from "./programs.tsx";
import { prove, showProof } from "./prove.tsx";
import { changeFactors, showFactors } from "./second-factor.tsx";
import { endSessions, showSessions } from "./sessions.tsx";
import { secondStep, showSignIn, signIn, signOut } from "./sign-in.tsx";
import { showSignUp, showVerify, signUp, verify } from "./sign-up.tsx";
import type { AccountPage, Handler } from "./visit.ts";

const toSignIn: Handler = async () => ({ to: "/sign-in" });
const toHome: Handler = async () => ({ to: "/home" });

/** Every page that people meet. */
export const accountPages = {
  "/": { isOwn: true, get: toHome },
  "/sign-up": { isOwn: false, get: showSignUp, post: signUp },
  "/verify": { isOwn: false, get: showVerify, post: verify },
  "/sign-in": { isOwn: false, get: showSignIn, post: signIn },
  "/sign-in/with": { isOwn: false, get: federated.goAway },
  "/sign-in/callback/:source": {
    isOwn: false,
    isFromElsewhere: true,
    get: federated.comeBack,
    post: federated.comeBack,
  },
  "/sign-in/email": { isOwn: false, get: toSignIn, post: federated.proveEmail },
  "/sign-in/sso": { isOwn: false, get: federated.showSso, post: federated.findSso },
  "/account/connect": { isOwn: true, get: federated.goConnect },
  "/sign-in/challenge": { isOwn: false, get: toSignIn, post: secondStep },
  "/forgot": { isOwn: false, get: passwords.showForgot, post: passwords.forgot },
  "/reset": { isOwn: false, get: passwords.showReset, post: passwords.reset },
  "/unlock": { isOwn: false, get: passwords.showUnlock, post: passwords.unlock },
  "/oauth/authorize": { isOwn: false, get: showAuthorization, post: decide },
  "/home": { isOwn: true, get: showHome, post: mintToken },
  "/sessions": { isOwn: true, get: showSessions, post: endSessions },
  "/password": { isOwn: true, get: passwords.showPassword, post: passwords.changePassword },
  "/programs": { isOwn: true, get: showPrograms, post: endProgram },
  "/account": { isOwn: true, get: showAccount, post: changeAccount },
  "/confirm-email": { isOwn: false, get: showConfirmEmail, post: confirmEmail },
  "/join": { isOwn: true, get: showJoin, post: join },
  "/second-factor": { isOwn: true, get: showFactors, post: changeFactors },
  "/prove": { isOwn: true, get: showProof, post: prove },
  "/sign-out": { isOwn: true, get: toHome, post: signOut },
} satisfies Record<string, AccountPage>;

export type PagePath = keyof typeof accountPages;
