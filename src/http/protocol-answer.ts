import type { z } from "zod";

/** What a protocol operation answers in its own RFC's way: any status, a body as JSON, fields of the header. */
export class ProtocolAnswer {
  readonly status: number;
  readonly body: object | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: object | null, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** How a protocol's own RFC refuses: with these statuses, in this shape, instead of with problems. */
export interface OwnRefusals {
  readonly statuses: readonly (400 | 401 | 403)[];
  readonly shape: z.ZodType;
}
