import { meReadOperation } from "#http/account-operation.ts";
import { userById } from "#identity/accounts/account-queries.ts";
import { maskedNumber } from "#identity/sms/code.ts";
import { factorQueries } from "./factor-queries.ts";
import { factorsOf } from "./factors.ts";
import { FactorList } from "./schema.ts";

export const list = meReadOperation({
  mount: "me",
  method: "get",
  path: "/factors",
  summary: "List your second factors",
  store: "directory",
  returns: FactorList,
  problems: [],
  async run({ directory, user }) {
    const mine = userById(user.userId);
    const { totp, passkeys, sms, recovery } = factorsOf(await directory.read(factorQueries(mine)));
    return {
      totp,
      passkeys: passkeys.map((passkey) => ({ ...passkey, isSynced: passkey.isSynced === 1 })),
      sms: sms && { number: maskedNumber(sms.number), createdAt: sms.createdAt },
      recoveryCodes: recovery && { createdAt: recovery.updatedAt },
    };
  },
});
