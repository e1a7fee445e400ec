import { verbOf } from '../../plugin-sdk/dialects/google/model-path.ts';
import { anthropicMessages, geminiGenerateContent, openaiChat } from '../../plugin-sdk/dialects/index.ts';
import { type Call, pathOf } from '../../plugin-sdk/index.ts';
import { bareName, publisherOf } from './publisher.ts';

/** Stands for the host of each key's location. */
export const anyHost = 'https://aiplatform.googleapis.com';

/** Where a key's calls go. Without a project they are made in express mode, which needs an API key. */
export interface Where {
  readonly project: string | undefined;
  readonly region: string;
}

/** Regional, multi-regional and global hosts (wire facts 4.2). */
export function hostOf(region: string): string {
  if (region === 'global') return anyHost;
  if (region === 'us' || region === 'eu') return `https://aiplatform.${region}.rep.googleapis.com`;
  return `https://${region}-aiplatform.googleapis.com`;
}

/** Path and query of a call. */
export function place(call: Call, where: Where, version: string): string {
  if (call.passthrough) return `${located(call.path, where)}${call.query}`;
  const prefix = `/${version}${locationPath(where)}`;
  if (call.dialect === anthropicMessages) {
    const verb = call.stream ? 'streamRawPredict' : 'rawPredict';
    return `${prefix}/publishers/anthropic/models/${segment(bareName(call.model))}:${verb}`;
  }
  if (call.dialect === openaiChat) return `${prefix}/endpoints/openapi${pathOf(call)}`;
  if (call.dialect === geminiGenerateContent) {
    return prefix + modelPath(call.model, call.stream ? 'streamGenerateContent?alt=sse' : 'generateContent');
  }
  const verb = verbOf(call.path);
  return `${prefix}${verb === undefined ? call.path : modelPath(call.model, verb)}${call.query}`;
}

/** Tuned models are served by endpoints of the project; all others by their publisher. */
function modelPath(model: string, verb: string): string {
  const endpoint = /(?:^|\/)endpoints\/([^/]+)$/.exec(model)?.[1];
  if (endpoint !== undefined) return `/endpoints/${segment(endpoint)}:${verb}`;
  return `/publishers/${segment(publisherOf(model))}/models/${segment(bareName(model))}:${verb}`;
}

/** `@` and `:` stay as they are in Google's paths. */
function segment(name: string): string {
  return encodeURIComponent(name).replaceAll('%40', '@').replaceAll('%3A', ':');
}

function locationPath({ project, region }: Where): string {
  return project === undefined
    ? ''
    : `/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(region)}`;
}

/**
 * A client's own path with the key's project and location in place of whatever it named (clients often have none to
 * name and send placeholders), and with them where they were missing.
 */
export function located(path: string, where: Where): string {
  // A Live session names its model in its first message.
  if (path.startsWith('/ws/')) return path;
  const [, version = 'v1', rest = ''] = /^(?:\/(v\d\w*))?(?:\/v\d\w*)*(\/.*)$/.exec(path) ?? [];
  const isList = /^\/publishers\/[^/]+\/models$/.test(rest);
  if (isList || where.project === undefined) return `/${version}${rest}`;
  const inside = rest.replace(/^\/projects\/[^/]+/, '').replace(/^\/locations\/[^/]+/, '');
  const published = /^\/models\/[^/]+:/.test(inside) ? `/publishers/google${inside}` : inside;
  return `/${version}${locationPath(where)}${published}`;
}

/** A `model` that names a project and location, with the key's instead; undefined when there is nothing to change. */
export function locatedModel(model: unknown, { project, region }: Where): string | undefined {
  if (typeof model !== 'string' || project === undefined) return undefined;
  const place = `projects/${project}/locations/${region}`;
  const short = /^models\/([^/]+)$/.exec(model)?.[1];
  if (short !== undefined) return `${place}/publishers/google/models/${short}`;
  const changed = model.replace(/(^|\/)projects\/[^/]+\/locations\/[^/]+/, `$1${place}`);
  return changed === model ? undefined : changed;
}
