import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Runtime } from '../../kernel/execute/context.ts';
import { MediaFetcher } from '../../kernel/execute/fetch-media.ts';
import { inlineMedia } from '../../kernel/execute/inline-media.ts';
import { Pool } from '../../kernel/upstream/connections.ts';
import type { Conversation } from '../../plugin-sdk/index.ts';
import { startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

/** An exchange whose client stays. */
const staying = { stopped: undefined, onStop: () => () => {} };

suite('media at URLs', () => {
  let upstream: Upstream;
  let runtime: Runtime;
  const asked: string[] = [];
  before(async () => {
    upstream = await startUpstream();
    const pool = new Pool({ origin: upstream.url, privateAddresses: true, connectMs: 1_000 });
    // Every public host is the scripted upstream; what the guard refuses is tested with the guard.
    const to = ({ origin }: { readonly origin: string }): Pool => {
      asked.push(origin);
      return pool;
    };
    runtime = { connections: { to } } as unknown as Runtime;
  });
  after(() => upstream?.close());

  test('becomes bytes with the type that its server names', async () => {
    upstream.reply({ headers: { 'content-type': 'image/png; charset=binary' }, body: Buffer.from('img') });
    const source = await new MediaFetcher(runtime, staying).fetch(
      'https://images.example/cat.png?size=1',
      'messages[0]',
    );
    assert.deepEqual(source, { kind: 'base64', mediaType: 'image/png', data: 'aW1n' });
    assert.equal(upstream.requests.at(-1)!.url, '/cat.png?size=1');
  });

  test('is followed through a few redirects, each a guarded connection of its own', async () => {
    upstream.reply(
      { status: 302, headers: { location: 'https://cdn.example/real.png' } },
      { headers: { 'content-type': 'image/png' }, body: Buffer.from('img') },
    );
    await new MediaFetcher(runtime, staying).fetch('https://images.example/cat.png', 'messages[0]');
    assert.deepEqual(asked.slice(-2), ['https://images.example', 'https://cdn.example']);
    upstream.reply(...Array.from({ length: 5 }, () => ({ status: 302, headers: { location: '/again' } })));
    const endless = new MediaFetcher(runtime, staying).fetch('https://images.example/cat.png', 'messages[0]');
    await assert.rejects(endless, /messages\[0\] could not be fetched: the server answered 302/);
  });

  test('is refused beyond fifty files', async () => {
    upstream.always({ headers: { 'content-type': 'image/png' }, body: Buffer.from('img') });
    const fetcher = new MediaFetcher(runtime, staying);
    for (let i = 0; i < 50; i++) await fetcher.fetch('https://images.example/cat.png', 'a');
    await assert.rejects(fetcher.fetch('https://images.example/cat.png', 'b'), /may have 50 files/);
  });

  test('is inlined in messages and tool results, but for URLs that the target reads itself', async () => {
    upstream.always({ headers: { 'content-type': 'image/png' }, body: Buffer.from('img') });
    const image = (url: string) => ({ type: 'image' as const, source: { kind: 'url' as const, url } });
    const conversation: Conversation = {
      model: 'm',
      messages: [
        { role: 'user', blocks: [{ type: 'text', text: 'Look.' }, image('https://own.example/a.png')] },
        {
          role: 'user',
          blocks: [{ type: 'tool-result', callId: 'c', content: [image('http://other.example/b.png')] }],
        },
      ],
    };
    const { messages } = await inlineMedia(conversation, { except: ['https://own.example/'] }, runtime, staying);
    assert.equal(messages[0], conversation.messages[0]);
    assert.deepEqual(messages[1]!.blocks[0], {
      type: 'tool-result',
      callId: 'c',
      content: [{ type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'aW1n' } }],
    });
  });
});
