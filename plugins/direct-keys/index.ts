import {
  type Attempt,
  callerSlot,
  definePlugin,
  GatewayError,
  type Host,
  type Key,
  type Provider,
  Secret,
} from '../../plugin-sdk/index.ts';
import { allowedEndpoint } from './allowed-endpoint.ts';
import { type Credential, findCredential } from './find-credential.ts';
import { shapeHint } from './key-shapes.ts';
import { type DirectKeysOptions, directKeysOptions } from './options.ts';

const endpointHeader = 'x-bf-azure-endpoint';

/** Lets callers bring their own provider key with a request. Off unless `enabled` says otherwise. */
export default definePlugin({
  name: 'plugins/direct-keys',
  description: "Uses a provider key that the caller sends with the request, instead of the gateway's own.",
  options: directKeysOptions,
  after: ['identity'],
  setup(options, host) {
    if (!options.enabled) return {};
    const placeholders = new Set(options.placeholders.map((value) => value.toLowerCase()));
    return { hooks: { selectKey: (attempt) => directKey(attempt, options, placeholders, host) } };
  },
});

/** Only the first target gets the caller's key: a fallback may be another company. Throws GatewayError GUARD_HOST, AUTH_HEADERS. */
function directKey(
  attempt: Attempt,
  options: DirectKeysOptions,
  placeholders: ReadonlySet<string>,
  host: Host,
): Key | undefined {
  const { exchange, target } = attempt;
  if (target !== exchange.targets[0]) return undefined;
  const { headers } = exchange.request;
  const credential = findCredential(headers, placeholders, exchange.get(callerSlot)?.kind === 'token');
  const provider = host.providers.get(target.provider);
  if (provider === undefined) return undefined;
  const takesEndpoint = options.endpointProviders.includes(provider.name);
  const endpoint = takesEndpoint ? headers.get(endpointHeader) : undefined;
  if (credential === undefined) {
    if (endpoint === undefined) return undefined;
    const reason = 'it may be named only together with a provider key of your own';
    throw new GatewayError('GUARD_HOST', { host: endpoint.slice(0, 200), reason }, { param: endpointHeader });
  }
  if (takesEndpoint && endpoint === undefined) throw new GatewayError('AUTH_HEADERS', { headers: endpointHeader });
  hintWhenRefused(attempt, credential);
  exchange.note('plugins/direct-keys', "serves with the caller's own key", { header: credential.header });
  const key = { name: 'direct', value: new Secret(credential.text), direct: true };
  if (endpoint === undefined) return { ...key, settings: {} };
  const allowed = allowedEndpoint(endpoint, options.endpoints, originsOf(provider));
  const apiVersion = exchange.request.queryValue('api-version');
  return {
    ...key,
    settings: { endpoint: allowed.origin, ...(apiVersion === undefined ? {} : { apiVersion }) },
    callerHost: !allowed.configured,
  };
}

/** Where the config itself sends this provider's calls. */
function originsOf({ baseUrl, keys }: Provider): ReadonlySet<string> {
  const named = [baseUrl, ...keys.map(({ settings }) => settings['endpoint'])];
  return new Set(named.flatMap((url) => (typeof url === 'string' && URL.canParse(url) ? [new URL(url).origin] : [])));
}

/** The provider's own 401 goes to the caller as it is; what the gateway knows about it goes into a header. */
function hintWhenRefused(attempt: Attempt, { header, text }: Credential): void {
  const { provider } = attempt.target;
  attempt.onEnd(({ error }) => {
    if (error?.code !== 'UP_STATUS' || error.status !== 401) return;
    const odd = shapeHint(text, provider);
    const fact = `${provider} refused the key sent in ${header}; the gateway's own keys were not used.`;
    attempt.exchange.setReplyHeader('x-bf-hint', odd === undefined ? fact : `${fact} ${odd}`);
  });
}
