import { introspect } from "./introspect.ts";
import { revoke } from "./revoke.ts";
import { token } from "./token.ts";
import { userinfo } from "./userinfo.ts";

/** What programs call, by the name of its endpoint. */
export const oauthEndpoints = { token, revoke, introspect, userinfo } as const;
