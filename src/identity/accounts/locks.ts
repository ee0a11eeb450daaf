import { z } from "zod";
import { update } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import { visitorOperation } from "#http/account-operation.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { tell } from "#identity/identity-events.ts";
import { TokenText } from "#identity/sessions/schema.ts";
import { oneTimeLinks } from "#identity/tables.ts";
import { userByLink, userIn } from "./account-queries.ts";
import { isOpenLink } from "./one-time-links.ts";

export const clear = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/sign-in-locks/clear",
  summary: "Be let in again after wrong passwords, by the link that was mailed",
  can: publicOperation({ because: "the link's token is the credential, and it lets nobody in by itself" }),
  store: "directory",
  body: z.strictObject({ token: TokenText }).meta({ id: "SignInLockClearance" }),
  returns: z.null(),
  status: 204,
  problems: ["link-not-valid"],
  async run({ directory, accounts, now }, { body }) {
    const named = await accounts.readToken("link", body.token);
    if (!named) return refuse("link-not-valid");
    const found = await directory.read({
      link: one(oneTimeLinks, named.id),
      users: userIn(userByLink(named.id)),
    });
    const { link } = found;
    const [user] = found.users;
    if (!isOpenLink(link, "clear-lock", now) || !user) return refuse("link-not-valid");
    // Before the commit: cleared twice is cleared once, and a link that was used up for nothing is worse.
    await accounts.clearSignIn((await accounts.emailToken(user.email)) ?? "");
    return commit(
      null,
      update(oneTimeLinks, link, { state: "used" }, now),
      ...tell("user.lock_cleared", user.id),
    );
  },
});
