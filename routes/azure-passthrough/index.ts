import { openai } from '../../plugin-sdk/dialects/index.ts';
import { definePassthrough } from '../passthrough/define-passthrough.ts';

/** The paths of an Azure resource; clients whose endpoint ends with `/openai` send that twice. */
export default definePassthrough({
  name: 'routes/azure-passthrough',
  description: 'Any Azure OpenAI call, byte for byte, under /azure_passthrough.',
  prefix: '/azure_passthrough',
  provider: 'azure',
  dialect: openai,
  normalise: (path) => (path.startsWith('/openai/openai/') ? path.slice('/openai'.length) : path),
});
