import { z } from 'zod';
import { secretString } from '../../plugin-sdk/provider-options.ts';

const seconds = z.number().int().positive();

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  secret: secretString.describe('`whsec_` and base64, best as env.NAME.'),
  previousSecret: secretString.optional().describe('Signs beside `secret` while receivers change over.'),
  includeResponse: z.boolean().default(true).describe('Put the reply into the notification, up to `maxPayloadBytes`.'),
  maxPayloadBytes: z.number().int().positive().default(262_144),
  maxRetries: z.number().int().min(0).default(4),
  backoffSeconds: seconds.default(30).describe('Wait before the first retry; doubles up to `maxBackoffSeconds`.'),
  maxBackoffSeconds: seconds.default(1_800),
  timeoutSeconds: seconds.default(10).describe('For one try.'),
  allowPrivateNetwork: z.boolean().optional().describe('Default: only when `url` itself names a private host.'),
});

export type WebhookOptions = z.output<typeof webhook>;

export const asyncJobsOptions = z.strictObject({
  concurrency: z.number().int().positive().default(64).describe('Jobs that this process runs at once.'),
  perCaller: z
    .number()
    .int()
    .positive()
    .default(32)
    .describe('Jobs of one caller that run at once, over all processes.'),
  maxQueued: z.number().int().positive().default(1_000_000),
  maxQueuedPerCaller: z.number().int().positive().default(200_000),
  maxPriority: z
    .number()
    .int()
    .min(-100)
    .max(100)
    .default(0)
    .describe('Highest `x-bf-async-priority` that a client may ask for.'),
  onInterrupted: z
    .enum(['retry', 'fail'])
    .default('retry')
    .describe('What happens to a job that had been sent to the provider when its process died.'),
  maxInterruptions: z.number().int().positive().default(50).describe('A job that was interrupted more often fails.'),
  resultTtlSeconds: seconds.default(3_600).describe('Life of a result, counted from the end of its job.'),
  maxResultTtlSeconds: seconds.default(604_800).describe('Longest life that a client may ask for.'),
  maxRequestBytes: z.number().int().positive().default(104_857_600),
  maxResultBytes: z.number().int().positive().default(33_554_432).describe('A job whose reply is larger fails.'),
  maxRunSeconds: seconds.default(7_200).describe('A run that takes longer is stopped and its job fails.'),
  leaseSeconds: seconds.default(30).describe('How long a job belongs to a process that says nothing any more.'),
  pollMs: z.number().int().positive().default(250).describe('How often to look for jobs that another process stored.'),
  plainIdempotency: z
    .boolean()
    .default(false)
    .describe('Requests that are no jobs and carry an Idempotency-Key run once as well; repeats get the first answer.'),
  plainWaitMs: z
    .number()
    .int()
    .positive()
    .default(9_000)
    .describe(
      'How long such a request waits before it is told to come again. Keep it below `hookTimeoutMs` of this plugin.',
    ),
  webhooks: z.record(z.string(), webhook).default({}).describe('Endpoints by name, chosen with `x-bf-async-webhook`.'),
});

export type AsyncJobsOptions = z.output<typeof asyncJobsOptions>;
