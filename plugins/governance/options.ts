import { z } from 'zod';
import {
  declaredCustomerSchema,
  declaredLimitSchema,
  declaredTeamSchema,
  declaredVirtualKeySchema,
} from '../../plugin-sdk/ports/entity-schemas.ts';

const identity = z
  .strictObject({
    issuer: z.string().describe('Must equal the claim `iss`.'),
    audience: z.union([z.string(), z.array(z.string()).min(1)]).describe('One of them must be in the claim `aud`.'),
    jwksUrl: z.url().optional().describe('Where the issuer publishes its keys.'),
    keys: z
      .array(z.looseObject({ kty: z.string() }))
      .min(1)
      .optional()
      .describe('The keys themselves, as JWKs.'),
    algorithms: z
      .array(z.string())
      .default(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']),
    clockToleranceSeconds: z.number().int().min(0).default(30),
    subjectClaim: z.string().default('sub').describe('Claim that names the caller.'),
    nameClaim: z.string().optional(),
    teamClaim: z
      .string()
      .optional()
      .describe('Claim that names the team: a text, or a list whose first known team counts.'),
    teams: z
      .record(z.string(), z.string())
      .default({})
      .describe("The claim's value to a team's id; itself when absent."),
    requireTeam: z.boolean().default(false).describe('Refuse tokens that name no known team.'),
  })
  .refine(({ jwksUrl, keys }) => (jwksUrl === undefined) !== (keys === undefined), 'give jwksUrl or keys');

const estimates = z.strictObject({
  bytesPerToken: z
    .number()
    .min(1)
    .default(2)
    .describe('Text of a request, in UTF-8. English has about 4; 2 is safe for code, numbers and Chinese.'),
  whenShort: z
    .enum(['limit', 'refuse'])
    .default('limit')
    .describe(
      "When a call states no output limit and its model's maximum is more than its share of what is left: state a limit for it, or refuse what does not fit.",
    ),
  maxOutputTokens: z
    .number()
    .int()
    .min(1)
    .default(128_000)
    .describe('Assumed maximum of a model whose own nobody knows; `maxOutputTokens` of `plugins/pricing` says more.'),
  outputTokens: z
    .number()
    .int()
    .min(1)
    .default(16_384)
    .describe('Output that a call without a limit may have, however small its share, while as much is left.'),
  leastOutputTokens: z
    .number()
    .int()
    .min(16)
    .default(64)
    .describe('A call without a limit is refused rather than given less output than this.'),
  tokensPerSecond: z
    .number()
    .min(0)
    .default(200)
    .describe('What a model may think unseen; charged for the time before a stream was cut or a client left.'),
  providerTools: z
    .number()
    .int()
    .min(0)
    .default(150_000)
    .describe("Input tokens that the provider's own tools may add: searches, fetched pages, code, MCP servers."),
  storedContext: z
    .number()
    .int()
    .min(0)
    .default(128_000)
    .describe('Input tokens of a stored conversation, prompt or cache that a call goes on with.'),
  image: z.number().int().min(0).default(5_000).describe('Tokens per image.'),
  file: z.number().int().min(0).default(50_000).describe('Tokens per document, audio or video named by URL or id.'),
});

export const governanceOptions = z.strictObject({
  required: z
    .boolean()
    .default(false)
    .describe('True: calls without a virtual key (or an accepted token) are refused.'),
  requiredHeaders: z
    .array(z.string().transform((name) => name.toLowerCase()))
    .default([])
    .describe('Headers without which a call is refused.'),
  virtualKeys: z.array(declaredVirtualKeySchema).default([]),
  teams: z.array(declaredTeamSchema).default([]),
  customers: z.array(declaredCustomerSchema).default([]),
  limits: z
    .array(declaredLimitSchema)
    .default([])
    .describe('Budgets and rates of providers and models, whoever calls.'),
  identity: identity.optional().describe('Accepts JWT / OIDC bearer tokens instead of a virtual key.'),
  estimates: estimates.prefault({}).describe('How much a call may use at most, for its reservation.'),
  reservationSeconds: z
    .number()
    .int()
    .min(10)
    .default(120)
    .describe('After this time the reservations of a dead process are free again.'),
});

export type GovernanceOptions = z.output<typeof governanceOptions>;
export type IdentityOptions = z.output<typeof identity>;
export type Estimates = z.output<typeof estimates>;
