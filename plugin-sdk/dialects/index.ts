export { anthropic, anthropicMessages } from './anthropic-messages/index.ts';
export { bedrock, bedrockConverse } from './bedrock-converse/index.ts';
export { cohere, cohereChat } from './cohere-chat/index.ts';
export { geminiGenerateContent, google } from './gemini-generate-content/index.ts';
export { openai } from './openai/index.ts';
export { openaiChat } from './openai-chat/index.ts';
export { openaiCompletions } from './openai-completions/index.ts';
export { openaiResponses } from './openai-responses/index.ts';
