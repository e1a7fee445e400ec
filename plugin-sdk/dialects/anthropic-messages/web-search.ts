import type { Conversation, ProviderTool, Tool } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { dialectId } from './dialect-id.ts';

/** Where chat asks for a search: a setting, not a tool. */
export const searchOptions = 'web_search_options';

/** The oldest version, which every model that searches has. */
const type = 'web_search_20250305';
const name = 'web_search';
const places = ['city', 'region', 'country', 'timezone'] as const;

/**
 * The search that OpenAI and Google host as the one that Anthropic hosts. Under its name a function of the client stays
 * the client's, and the search is lost.
 */
export function withWebSearch(conversation: Conversation, lost: (path: string) => void): Conversation {
  const { tools = [], carry = {} } = conversation;
  const options = Object.values(carry).flatMap((fields) => fields?.[searchOptions] ?? []);
  const taken = tools.some((tool) => tool.type !== 'provider' && tool.name === name);
  if (taken && options.length > 0) lost(searchOptions);
  if (taken || (options.length === 0 && !tools.some(isSearch))) return conversation;
  const asked = options.filter(isObject).map((option) => searchTool(option, searchOptions, lost));
  const hosted = tools.map((tool, i) => (isSearch(tool) ? searchTool(tool.value, `tools[${i}]`, lost) : tool));
  return { ...conversation, tools: [...hosted, ...asked.slice(0, tools.some(isSearch) ? 0 : 1)] };
}

function isSearch(tool: Tool): tool is ProviderTool {
  if (tool.type !== 'provider' || tool.dialect === dialectId) return false;
  return String(tool.value['type'] ?? '').startsWith(name) || isObject(tool.value['googleSearch']);
}

function searchTool(asked: JsonObject, path: string, lost: (path: string) => void): ProviderTool {
  const { filters, user_location: where } = asked;
  if (asked['search_context_size'] !== undefined) lost(`${path}.search_context_size`);
  const value: JsonObject = { type, name };
  const domains = isObject(filters) ? filters['allowed_domains'] : undefined;
  if (Array.isArray(domains) && domains.length > 0) value['allowed_domains'] = domains;
  const place = placeOf(where);
  if (place !== undefined) value['user_location'] = { type: 'approximate', ...place };
  return { type: 'provider', dialect: dialectId, value };
}

/** Chat has the place one level deeper than responses. */
function placeOf(where: JsonValue | undefined): JsonObject | undefined {
  if (!isObject(where)) return undefined;
  const from = isObject(where['approximate']) ? where['approximate'] : where;
  const known = places.filter((key) => typeof from[key] === 'string').map((key) => [key, from[key]!] as const);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}
