import type { Block, Conversation, MediaSource } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect, DialectId, EncodeContext } from '../../plugin-sdk/dialects/dialect.ts';

/** Models that each dialect is tested with: one that can much, one that can little. */
export const modelsOf: Readonly<Partial<Record<DialectId, readonly string[]>>> = {
  'openai.chat': ['gpt-5.2'],
  'openai.responses': ['gpt-5.2'],
  'anthropic.messages': ['claude-opus-4-6', 'claude-sonnet-4', 'claude-opus-5-5'],
  'gemini.generateContent': ['gemini-3-pro-preview', 'gemini-2.5-flash'],
  'bedrock.converse': ['us.anthropic.claude-opus-4-6-v1:0', 'us.amazon.nova-pro-v1:0'],
  'cohere.chat': ['command-a-vision-07-2025', 'command-r-plus-08-2024'],
};

const readByGoogle = [
  'gs://',
  'https://generativelanguage.googleapis.com/',
  'https://www.youtube.com/',
  'https://youtu.be/',
];

/** What the gateway hands to the encoder: where the target reads no URLs, media at URLs has been fetched by then. */
export function preparedFor(target: Dialect, conversation: Conversation): Conversation {
  if (target.id !== 'bedrock.converse' && target.id !== 'gemini.generateContent') return conversation;
  const except = target.id === 'gemini.generateContent' ? readByGoogle : [];
  const fetched = (block: Block): Block => {
    if (block.type === 'tool-result') return { ...block, content: block.content.map(fetched) };
    if (!('source' in block) || block.source.kind !== 'url') return block;
    const { url, mediaType = mediaTypes[block.type] } = block.source;
    if (!/^https?:/.test(url) || except.some((start) => url.startsWith(start))) return block;
    const source: MediaSource = { kind: 'base64', mediaType, data: firstBytes[block.type] };
    return { ...block, source };
  };
  return {
    ...conversation,
    messages: conversation.messages.map((message) => ({ ...message, blocks: message.blocks.map(fetched) })),
  };
}

const mediaTypes = { image: 'image/png', audio: 'audio/wav', video: 'video/mp4', file: 'application/pdf' };
const firstBytes = { image: 'iVBORw0KGgo=', audio: 'UklGRg==', video: 'AAAAIGZ0eXA=', file: 'JVBERi0xLjQ=' };

/** A context that collects lost paths. */
export function collecting(model: string, stream = false): { context: EncodeContext; lost: string[] } {
  const lost: string[] = [];
  return { context: { model, stream, capabilities: {}, lost: (path) => lost.push(path) }, lost };
}
