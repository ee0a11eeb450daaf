import { unstable_readConfig } from "wrangler";
import { z } from "zod";

const Consumer = z.object({ queue: z.string() });
const Producer = z.object({ binding: z.string(), queue: z.string() });
const Configuration = z.object({
  account_id: z.string().optional(),
  compatibility_flags: z.array(z.string()).default([]),
  vars: z.record(z.string(), z.unknown()),
  triggers: z.object({ crons: z.array(z.string()).default([]) }),
  ratelimits: z
    .array(z.object({ name: z.string(), simple: z.object({ limit: z.number(), period: z.number() }) }))
    .default([]),
  d1_databases: z.array(z.object({ binding: z.string(), database_id: z.string().optional() })),
  r2_buckets: z.array(
    z
      .object({ binding: z.string(), bucket_name: z.string(), jurisdiction: z.string().optional() })
      .transform(({ binding, bucket_name: name, jurisdiction = null }) => ({ binding, name, jurisdiction })),
  ),
  queues: z.object({ producers: z.array(Producer).default([]), consumers: z.array(Consumer).default([]) }),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string() })) }),
});

/** What of wrangler.toml the commands look at. */
export type Configuration = z.output<typeof Configuration>;

export function configuration(): Configuration {
  return Configuration.parse(unstable_readConfig({ config: "wrangler.toml" }));
}
