/** What can be amiss with how people sign in; part of the one catalogue, with the same form. */
export const accountProblems = {
  "sign-in-failed": {
    status: 401,
    title: "That did not match.",
    meaning:
      "The address, password, code or passkey is not right, or too many were tried: which is not told.",
  },
  "no-password": {
    status: 409,
    title: "You have no password yet.",
    meaning: "You sign in without one. Have a link mailed to choose one: POST /v1/password-resets.",
  },
  "password-change-required": {
    status: 403,
    title: "Choose another password first.",
    meaning: "It was breached since it was chosen, or is too weak for what its owner may do here by now.",
  },
  "account-exists": {
    status: 409,
    title: "There is an account of this address already.",
    meaning: "Its owner has confirmed an account meanwhile. Sign in, or choose a new password.",
  },
  "owns-a-business": {
    status: 409,
    title: "You own a business here.",
    meaning:
      "It would be nobody's. Make somebody else its owner, or close it, before you delete your account.",
  },
  "link-not-valid": {
    status: 410,
    title: "The link does not work any more.",
    meaning: "It was used, has expired, or was never ours. Ask for another.",
  },
  "second-factor-required": {
    status: 401,
    title: "Prove with a second factor that it is you.",
    meaning:
      "The first step was right. `challenge` goes to the next one, by one of `methods`, within ten minutes.",
  },
  "step-up-required": {
    status: 401,
    title: "Prove once more that it is you.",
    meaning:
      "The session's last proof is older than `maxAgeSeconds`, which is what this asks for (RFC 9470). POST /v1/me/step-up, then take a new token.",
  },
  "second-factor-enrolment-required": {
    status: 403,
    title: "Add a second factor first.",
    meaning: "This business lets in nobody of your role without one. Add an authenticator or a passkey.",
  },
  "sms-not-available": {
    status: 403,
    title: "There are no codes by SMS for this.",
    meaning:
      "This deployment sends none, none of your businesses allows them, or you have something better to prove yourself with.",
  },
  "sms-not-enough": {
    status: 403,
    title: "Codes by SMS are not enough for an owner or admin.",
    meaning:
      "They are never the only factor of who could do the most harm. Add an authenticator or a passkey; where a recent proof is asked for and you have neither, sign in anew.",
  },
  "too-many-texts": {
    status: 429,
    title: "Too many codes were sent.",
    meaning:
      "The number, the user, the network or the business has had as many as it may; nothing was sent. Retry-After says when there is room.",
  },
  "challenge-not-valid": {
    status: 410,
    title: "This sign-in is over.",
    meaning: "Its challenge was used, has expired, or was never ours. Sign in anew.",
  },
  "federated-sign-in-failed": {
    status: 401,
    title: "That sign-in did not work.",
    meaning: "The other issuer said no, or what it said could not be believed. Begin anew.",
  },
  "email-code-required": {
    status: 401,
    title: "Prove that the address is yours.",
    meaning:
      "The other issuer does not speak for your address, so a code was mailed to it. `challenge` goes with that code to POST /v1/sign-in/federated/email, within ten minutes.",
  },
  "email-missing": {
    status: 422,
    title: "The other issuer told no e-mail address.",
    meaning: "An account here has one. Allow that it is told, or sign up with a password.",
  },
  "foreign-domain": {
    status: 403,
    title: "That sign-in does not speak for this address.",
    meaning: "A business's own sign-in lets in people of its proved domains, and nobody else.",
  },
  "sso-full": {
    status: 409,
    title: "Too many people have come by this sign-in.",
    meaning: "A business's own sign-in makes accounts for 10,000 people. Who has one already may go on.",
  },
  "sso-not-set-up": {
    status: 422,
    title: "No business signs in by itself at this domain.",
    meaning: "Nobody has proved the domain to be theirs and connected it. Sign in as others do.",
  },
  "sso-required": {
    status: 403,
    title: "This business has its own sign-in.",
    meaning: "It wants people of your domain to come by it, and gives them no token otherwise.",
  },
  "owner-sign-in-required": {
    status: 403,
    title: "An owner signs in by themselves.",
    meaning:
      "Whoever runs a business's own sign-in could be anybody there, so it opens no owner's rights without a second factor of the owner's own account.",
  },
  "session-limited": {
    status: 403,
    title: "This session is good for one business alone.",
    meaning:
      "It was begun at a business's own sign-in. Sign in by yourself for what is yours, or another business's.",
  },
  "identity-taken": {
    status: 409,
    title: "That is somebody else's already.",
    meaning: "Another account here is known by it. Sign in with it, and remove it there first.",
  },
  "last-way-in": {
    status: 409,
    title: "You could not sign in any more.",
    meaning: "It is the only way into your account. Choose a password, or add another way in, first.",
  },
} as const;
