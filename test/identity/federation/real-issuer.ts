import { createServer, type Server } from "node:http";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import Provider from "oidc-provider";

/** How an issuer turns hostile: what it changes of its ID tokens, and by whose key it signs them. */
export interface Tampering {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: "stranger";
}

export interface RealIssuer {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  tampering: Tampering | null;
  stop(): Promise<void>;
}

const clientId = "keyline";
const clientSecret = "a secret that only the two of them know";

/** `oidc-provider`, which nobody here wrote, with one client; it knows everybody, and each by their name as the subject. */
export async function startIssuer(
  port: number,
  redirectUris: readonly string[],
  domain: string,
): Promise<RealIssuer> {
  const issuer = `http://localhost:${port}`;
  const [own, stranger] = await Promise.all([keyPair(), keyPair()]);
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [...redirectUris],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(own.privateKey)), kid: "own", alg: "RS256", use: "sig" }] },
    cookies: { keys: ["a key of its cookies"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    async findAccount(_: unknown, id: string) {
      return {
        accountId: id,
        claims: async () => ({
          sub: id,
          email: `${id}@${domain}`,
          email_verified: true,
          name: "Ada Lovelace",
        }),
      };
    },
  });
  const running: { tampering: Tampering | null } = { tampering: null };
  provider.use(async (context, next) => {
    await next();
    const { tampering } = running;
    const { body } = context;
    if (context.path !== "/token" || !tampering || !isTokenAnswer(body)) return;
    const payload = { ...decodeJwt(body.id_token), ...tampering.claims };
    const { privateKey } = tampering.key === "stranger" ? stranger : own;
    const claims = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null));
    const token = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "own" });
    context.body = { ...body, id_token: await token.sign(privateKey) };
  });
  const server = createServer(provider.callback());
  await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
  return {
    issuer,
    clientId,
    clientSecret,
    get tampering() {
      return running.tampering;
    },
    set tampering(next) {
      running.tampering = next;
    },
    stop: () => stopped(server),
  };
}

function keyPair() {
  return generateKeyPair("RS256", { extractable: true });
}

function isTokenAnswer(body: unknown): body is { readonly id_token: string } {
  return typeof body === "object" && body !== null && "id_token" in body && typeof body.id_token === "string";
}

async function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** DNS over HTTPS in JSON, that has these TXT records and no address. */
export async function startResolver(
  port: number,
  records: ReadonlyMap<string, string>,
): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://localhost");
    const text = searchParams.get("type") === "TXT" ? records.get(searchParams.get("name") ?? "") : undefined;
    const Answer = text === undefined ? [] : [{ type: 16, data: `"${text}"` }];
    response.setHeader("Content-Type", "application/dns-json");
    response.end(JSON.stringify({ Status: 0, Answer }));
  });
  await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
  return () => stopped(server);
}
