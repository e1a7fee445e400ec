import { definePassthrough } from '../passthrough/define-passthrough.ts';
import { genaiCalls } from './calls.ts';

export default definePassthrough({
  ...genaiCalls,
  name: 'routes/genai-passthrough',
  description: 'Any Gemini or Vertex AI call, byte for byte, under /genai_passthrough.',
  prefix: '/genai_passthrough',
});
