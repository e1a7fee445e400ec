import { z } from 'zod';

/** `provider/model`, or a model alone for the route's default provider; or both with a key and a weight. */
const targetSchema = z.union(
  [
    z.string().min(1),
    z.strictObject({
      provider: z.string().min(1),
      model: z.string().min(1).optional().describe('Absent: the model that the client named.'),
      key: z.string().optional().describe('Name of the only key that may serve.'),
      weight: z.number().min(0).default(1).describe('Share among the targets of a weighted choice.'),
    }),
  ],
  { error: 'expected "provider/model" or an object with provider and model' },
);

const choice = {
  targets: z.array(targetSchema).min(1),
  strategy: z
    .enum(['weighted', 'ordered'])
    .default('ordered')
    .describe(
      'ordered: the first serves, the rest are its fallbacks. weighted: one is drawn by weight, the rest follow.',
    ),
};

export const modelRouterOptions = z.strictObject({
  aliases: z
    .record(z.string(), z.string())
    .default({})
    .describe('Other names for models: `"fast": "openai/gpt-4o-mini"`.'),
  models: z
    .record(z.string(), z.strictObject(choice))
    .default({})
    .describe('Virtual models: one name for several targets.'),
  rules: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('For records and x-bf-explain.'),
        when: z.string().min(1).describe('Condition in CEL.'),
        ...choice,
      }),
    )
    .default([])
    .describe('The first rule whose condition holds decides, before aliases and virtual models.'),
  catalogue: z
    .boolean()
    .default(true)
    .describe("A bare model that the route's default provider does not have goes to a provider that has it."),
});

export type ModelRouterOptions = z.output<typeof modelRouterOptions>;
export type TargetOption = z.output<typeof targetSchema>;
