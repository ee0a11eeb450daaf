import { isBytes } from "#http/media.ts";
import { type ProblemDetails, type ProblemName, problemBody, problems } from "#http/problem.ts";
import { type AnyOperation, isForAnybody, isMine } from "#http/registry.ts";
import { type Headers, isCounted, problemHeaders } from "./headers.ts";
import { problemsOf } from "./problems.ts";
import type { Schemas } from "./schemas.ts";
import type { JsonSchema, MediaType, Reference, Response } from "./types.ts";

const requestId = "req_01jd5r0t6vf3h8k2m4n6p8q0rs";

type Text = (maxLength: number, pattern?: string) => JsonSchema;

/** What a problem says beyond the members that all have. */
const extensions: Partial<Record<ProblemName, (text: Text) => Readonly<Record<string, JsonSchema>>>> = {
  "second-factor-required": (text) => ({
    challenge: text(80, "^klc_[0-9a-z_]+$"),
    methods: { type: "array", items: text(40), maxItems: 10 },
  }),
  "email-code-required": (text) => ({
    challenge: text(80, "^klm_[0-9a-z_]+$"),
    methods: { type: "array", items: text(40), maxItems: 10 },
  }),
  "step-up-required": () => ({
    maxAgeSeconds: { type: "integer", format: "int32", minimum: 0, maximum: 86_400 },
  }),
};

const examples: Partial<Record<ProblemName, ProblemDetails>> = {
  "second-factor-required": {
    challenge: "klc_01jd5r0t6vf3h8k2m4n6p8q0rs_0_7n4x9q2m5k8w3v6b1z0c4h7j2p5t8r3d",
    methods: ["totp", "recovery-code"],
  },
  "email-code-required": {
    challenge: "klm_01jd5r0t6vf3h8k2m4n6p8q0rs_0_7n4x9q2m5k8w3v6b1z0c4h7j2p5t8r3d",
    methods: ["email-code"],
  },
  "step-up-required": { maxAgeSeconds: 900 },
};

/** The problem answers of a document, one component per set of problems that share a status. */
export class ProblemAnswers {
  readonly components: Record<string, Response> = {};
  readonly #schemas: Schemas;
  readonly #headers: Headers;

  constructor(schemas: Schemas, headers: Headers) {
    this.#schemas = schemas;
    this.#headers = headers;
  }

  /** By status, as an operation's `responses`. */
  of(operation: AnyOperation): Record<string, Reference> {
    const byStatus = Map.groupBy(problemsOf(operation), (name) => problems[name].status);
    return Object.fromEntries(
      [...byStatus].map(([status, names]) => [String(status), this.#component(operation, status, names)]),
    );
  }

  #component(operation: AnyOperation, status: number, names: readonly ProblemName[]): Reference {
    const of = prefixOf(operation);
    const name = `${of}${status}-${names.join("-or-")}`;
    this.components[name] ??= {
      description: names.map((each) => `\`${each}\`: ${problems[each].meaning}`).join("\n\n"),
      headers: this.#headers.of(problemHeaders(operation, status)),
      content: { "application/problem+json": this.#content(names) },
    };
    return { $ref: `#/components/responses/${name}` };
  }

  #content(names: readonly ProblemName[]): MediaType {
    const schemas = names.map((name) => this.#schema(name));
    const [only] = schemas;
    const mapping = Object.fromEntries(
      names.map((name, index) => [`/problems/${name}`, schemas[index]?.$ref]),
    );
    return {
      schema:
        schemas.length === 1 && only
          ? only
          : { oneOf: schemas, discriminator: { propertyName: "type", mapping } },
      examples: Object.fromEntries(
        names.map((name) => [name, { value: problemBody(name, requestId, examples[name]) }]),
      ),
    };
  }

  #schema(name: ProblemName): JsonSchema {
    const { status, meaning } = problems[name];
    const text = (maxLength: number, pattern = "^[^\\u0000-\\u001F]*$") => ({
      type: "string",
      maxLength,
      pattern,
    });
    const errors = this.#schemas.add("FieldError", {
      type: "object",
      description:
        "What is wrong, and where: in the body (pointer), or in the query or a header (parameter).",
      properties: {
        pointer: { ...text(500), description: "A JSON pointer into the body (RFC 6901)." },
        parameter: text(500),
        detail: text(1000),
      },
      required: ["detail"],
    });
    return this.#schemas.add(`${pascal(name)}Problem`, {
      type: "object",
      description: meaning,
      properties: {
        type: this.#schemas.exactly(`/problems/${name}`),
        title: text(200),
        status: this.#schemas.exactly(status),
        requestId: text(64, "^req_[0-9a-z]{26}$"),
        errors: { type: "array", items: errors, maxItems: 100 },
        ...extensions[name]?.(text),
      },
      required: ["type", "title", "status", "requestId", ...Object.keys(extensions[name]?.(text) ?? {})],
    });
  }
}

function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

// Operations of one kind carry the same headers.
function prefixOf(operation: AnyOperation): string {
  const counted = isCounted(operation) ? "Counted" : "";
  if (isForAnybody(operation)) return `Public${counted}`;
  if (isMine(operation)) return `Mine${counted}`;
  return isBytes(operation.returns) ? "Bytes" : "";
}
