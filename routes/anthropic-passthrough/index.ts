import { definePassthrough } from '../passthrough/define-passthrough.ts';
import { anthropicCalls } from './calls.ts';

export default definePassthrough({
  ...anthropicCalls,
  name: 'routes/anthropic-passthrough',
  description: 'Any Anthropic call, byte for byte, under /anthropic_passthrough.',
  prefix: '/anthropic_passthrough',
});
