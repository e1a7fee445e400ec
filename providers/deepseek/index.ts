import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';
import { keepThinking } from './keep-thinking.ts';

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
    if (call.dialect.id === 'openai.chat') keepThinking(body);
  },
});
