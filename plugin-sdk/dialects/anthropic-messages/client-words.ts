import type { Conversation } from '../../conversation/index.ts';

/** Fields that encoders report by OpenAI's names, as clients of this format write them. */
const words: Readonly<Record<string, string>> = {
  user: 'metadata.user_id',
  stop: 'stop_sequences',
  parallel_tool_calls: 'tool_choice.disable_parallel_tool_use',
  response_format: 'output_config.format',
  'reasoning.summary': 'thinking.display',
  max_completion_tokens: 'max_tokens',
  previous_response_id: 'thread.previous_message_id',
};

/** What a client of this format calls a path that an encoder reports as lost. */
export function clientWord(path: string, { reasoning }: Pick<Conversation, 'reasoning'>): string {
  if (path === 'reasoning_effort') return reasoning?.effort === undefined ? 'thinking' : 'output_config.effort';
  return (
    words[path] ??
    path
      .replace(/^stop(?=\[)/, 'stop_sequences')
      .replace(/\.(?:prompt_cache_breakpoint|cache)$/, '.cache_control')
      .replace(/^(tools\[\d+\])\.(?:function|custom)\./, '$1.')
  );
}
