import { z } from 'zod';

export const accessLogOptions = z.strictObject({
  destination: z.string().min(1).default('stdout').describe('`stdout`, or a file to append to.'),
  bufferBytes: z
    .number()
    .int()
    .min(0)
    .max(4_194_304)
    .default(65_536)
    .describe('Lines are written together once there are this many bytes.'),
  flushMs: z.number().int().min(1).default(200).describe('Longest that a line waits.'),
});

export type AccessLogOptions = z.output<typeof accessLogOptions>;
