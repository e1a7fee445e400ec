import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Groq. It refuses log probabilities, biases and message names, and shows reasoning as `reasoning`. */
export default defineOpenAICompatible({
  name: 'providers/groq',
  description: 'Groq.',
  baseUrl: 'https://api.groq.com/openai',
  environment: ['GROQ_API_KEY'],
  responses: true,
  operations: ['audio.speech', 'audio.transcription', 'audio.translation', 'files', 'batches'],
  chat: {
    thinkTags: ['think'],
    refuses: ['logprobs', 'top_logprobs', 'logit_bias', 'messages[].name'],
    reasoningField: 'reasoning',
    // Its "assistant message prefilling".
    continuesAssistant: true,
  },
});
