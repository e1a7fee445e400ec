import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { recordingsMissing } from '../recordings.ts';
import { type RecordedChat, recordedChats } from './recorded-chats.ts';
import { type Meaning, outlineOf, requestMeaning } from './request-meaning.ts';
import { collecting, preparedFor } from './targets.ts';

/** One request of a scenario that was recorded with several providers. */
interface Scene extends RecordedChat {
  readonly scenario: string;
  readonly variant: string;
}

const nameOf =
  /^[^/]+\/(?<test>test_(?:multimodal_tool_returns|tool_choice_matrix)__\w+)\[(?:(?<parameters>.+)-)?(?<variant>\w+)\]\.json#(?<at>\d+)$/;

function scenes(): Map<string, Scene[]> {
  const found = new Map<string, Scene[]>();
  for (const chat of recordedChats()) {
    const name = nameOf.exec(chat.name)?.groups;
    if (name === undefined || chat.request === undefined) continue;
    const scenario = `${name['test']} ${name['parameters'] ?? ''} #${name['at']}`;
    const scene = { ...chat, scenario, variant: name['variant']! };
    const known = found.get(scenario);
    if (known === undefined) found.set(scenario, [scene]);
    else known.push(scene);
  }
  return found;
}

/**
 * What the scenario itself says, without what differs from run to run (what the models said in between, the limit that
 * an SDK adds), without the words that pydantic-ai puts in the place of media that a provider takes nowhere else, and
 * without whether it fetched a URL itself.
 */
function scenarioMeaning(meaning: Meaning): Meaning {
  const { assistantText: _, thoughts: __, turns: ___, maxOutputTokens: ____, calls, results, media, ...rest } = meaning;
  const said = (text: unknown): string =>
    String(text).replace(/Seefile\w+?\.|Thisisfile\w+?:|See(?:the|attached)document(?:\(s\))?\./g, '');
  return {
    ...rest,
    userText: said(rest['userText']),
    schemas: (rest['schemas'] as unknown[]).map(outlineOf),
    calls: (calls as unknown[][]).map(([number, name]) => [number, name]),
    results: (results as unknown[][]).map(([number, text, failed]) => [
      number,
      said(text).replace(/^\{(?:"files":\[""\])?\}$/, ''),
      failed,
    ]),
    media: (media as string[][]).map(([type]) => type),
  };
}

/** The model called other tools, or wrongly, so that the histories are not the same. */
function tookAnotherCourse(ours: Meaning, theirs: Meaning): boolean {
  const course = ({ calls, results }: Meaning) => [calls, (results as unknown[][]).map(([, , failed]) => failed)];
  return !isDeepStrictEqual(course(ours), course(theirs));
}

/** Where our request is not the recorded one, and why it should not be. */
const explained: readonly { readonly why: string; readonly scene: RegExp; readonly facets: RegExp }[] = [
  {
    why: 'another prompt was recorded for Anthropic',
    scene: /_matrix none #0: openai_responses to anthropic/,
    facets: /^userText$/,
  },
  {
    why: 'pydantic-ai offers Mistral and chat fewer tools where it gives others a choice; OpenAI has words for that choice',
    scene: /tool_choice_matrix \w+ #\d: openai\w* to (?:mistral|openai)/,
    facets: /^(?:tools|schemas|toolChoice)$/,
  },
  {
    why: 'a file at a URL has no type before it is fetched',
    scene: /url-audio #1: openai_responses to google/,
    facets: /^media$/,
  },
  {
    why: "OpenAI's chat takes no files by URL; the path is reported as lost",
    scene: /tool_return_content-url-\w+ #1: openai_responses to (?:mistral|openai_chat)/,
    facets: /^media$/,
  },
];

test('writes what was really sent to the other provider of the same scenario', { skip: recordingsMissing }, (t) => {
  const counts = { compared: 0, equal: 0, explained: 0, refused: 0, anotherCourse: 0 };
  for (const [scenario, variants] of scenes()) {
    for (const ours of variants.filter(({ provider }) => provider === 'openai')) {
      for (const theirs of variants.filter(({ dialect }) => dialect.id !== ours.dialect.id)) {
        const scene = `${scenario}: ${ours.variant} to ${theirs.variant}`;
        counts.compared++;
        const written = encoded(ours, theirs);
        if (written === undefined) {
          counts.refused++;
          continue;
        }
        const sent = scenarioMeaning(requestMeaning(theirs.conversation));
        if (tookAnotherCourse(written, sent)) {
          counts.anotherCourse++;
          continue;
        }
        const differing = Object.keys(written).filter((facet) => !isDeepStrictEqual(written[facet], sent[facet]));
        const open = differing.filter(
          (facet) => !explained.some((one) => one.scene.test(scene) && one.facets.test(facet)),
        );
        assert.deepEqual(pick(written, open), pick(sent, open), scene);
        counts[differing.length === 0 ? 'equal' : 'explained']++;
      }
    }
  }
  t.diagnostic(
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', '),
  );
});

/** Our request as the target reads it; undefined when it holds a file of OpenAI's, which another cannot have. */
function encoded(ours: Scene, theirs: Scene): Meaning | undefined {
  const { context } = collecting(theirs.conversation.model);
  try {
    const asked = preparedFor(theirs.dialect, ours.conversation);
    const body = JSON.parse(JSON.stringify(theirs.dialect.chat!.encodeRequest(asked, context))) as JsonObject;
    return scenarioMeaning(requestMeaning(theirs.dialect.chat!.decodeRequest(body)));
  } catch (error) {
    assert.ok(isGatewayError(error) && error.code === 'REQ_INVALID' && error.param !== undefined, String(error));
    return undefined;
  }
}

function pick(meaning: Meaning, facets: readonly string[]): Meaning {
  return Object.fromEntries(facets.map((facet) => [facet, meaning[facet]]));
}
