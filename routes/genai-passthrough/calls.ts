import { google } from '../../plugin-sdk/dialects/index.ts';
import type { PassthroughCalls } from '../passthrough/passthrough-instance.ts';

/** The Gemini API's own paths, API version included, for the Google Gen AI SDKs. */
export const genaiCalls: PassthroughCalls = {
  provider: 'gemini',
  dialect: google,
  verbs: true,
  // The SDKs join the path of a Live session to a base URL with a slash of its own.
  normalise: (path) => (path.startsWith('//ws/') ? path.slice(1) : path),
  // A Constrained session is what an ephemeral token, issued by the provider, is for.
  credentials: (path) => (path.endsWith('Constrained') ? ['key'] : ['key', 'access_token']),
};
