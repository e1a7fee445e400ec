import anthropic from './anthropic.json' with { type: 'json' };
import azure from './azure.json' with { type: 'json' };
import bedrock from './bedrock.json' with { type: 'json' };
import cerebras from './cerebras.json' with { type: 'json' };
import cohere from './cohere.json' with { type: 'json' };
import deepseek from './deepseek.json' with { type: 'json' };
import fireworks from './fireworks.json' with { type: 'json' };
import gemini from './gemini.json' with { type: 'json' };
import groq from './groq.json' with { type: 'json' };
import mistral from './mistral.json' with { type: 'json' };
import mock from './mock.json' with { type: 'json' };
import ollama from './ollama.json' with { type: 'json' };
import openai from './openai.json' with { type: 'json' };
import openrouter from './openrouter.json' with { type: 'json' };
import perplexity from './perplexity.json' with { type: 'json' };
import sglang from './sglang.json' with { type: 'json' };
import together from './together.json' with { type: 'json' };
import vertex from './vertex.json' with { type: 'json' };
import vllm from './vllm.json' with { type: 'json' };
import xai from './xai.json' with { type: 'json' };

/** Names the book that ships; raised with every change of a price in it. */
export const bookVersion = '2026-11-22';

/** The book that ships, one file per provider, not yet checked. */
export const shippedBook: readonly unknown[] = [
  anthropic,
  azure,
  bedrock,
  cerebras,
  cohere,
  deepseek,
  fireworks,
  gemini,
  groq,
  mistral,
  mock,
  ollama,
  openai,
  openrouter,
  perplexity,
  sglang,
  together,
  vertex,
  vllm,
  xai,
];
