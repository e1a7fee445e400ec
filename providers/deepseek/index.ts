import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';

const keeping = loadOnUse<typeof import('./keep-thinking.ts')>(import.meta.url, './keep-thinking');

/** DeepSeek. Its API has no version in the path. */
export default defineOpenAICompatible({
  name: 'providers/deepseek',
  description: 'DeepSeek.',
  baseUrl: 'https://api.deepseek.com',
  environment: ['DEEPSEEK_API_KEY'],
  apiPath: '',
  responses: true,
  chat: {
    thinkTags: ['think'],
    rename: { max_completion_tokens: 'max_tokens' },
    developerRole: false,
    reasoningField: 'reasoning_content',
  },
  edit: (call, body) => {
    if (call.dialect.id === 'openai.chat') keeping().keepThinking(body);
  },
});
