/** Cost of reading and editing JSON bytes against parsing them. Run: `node test/bench/json-bytes.bench.ts`. */
import { findPath, lastObjectNamed, readString, scanTopLevel, splice } from '../../plugin-sdk/json-bytes/index.ts';
import { bestMicroseconds, report } from './measure.ts';

const prose =
  'Long ago a fox met a dog on a hill,\nand neither of them knew what to say. So the fox said: "Nice weather today." ';
/** Escaped quotes everywhere: the worst case for strings. */
const code = '{"key": "value", "path": "a\\b", "list": ["one", "two"]}, ';
const names = ['model', 'stream'] as const;

function chat(bytes: number, messageBytes: number, text = prose): Buffer {
  const messages = [];
  for (let size = 0; size < bytes - 250; size += messageBytes + 40) {
    messages.push({
      role: messages.length % 2 === 0 ? 'user' : 'assistant',
      content: text.repeat(messageBytes / text.length + 1).slice(0, messageBytes),
    });
  }
  return Buffer.from(
    JSON.stringify({ model: 'gpt-4o-mini', messages, temperature: 0.7, stream: true, tools: [], user: 'someone' }),
  );
}

const tree = (depth: number): object =>
  depth === 0
    ? { type: 'string', enum: ['a', 'b'], minimum: 1 }
    : { type: 'object', left: tree(depth - 1), right: tree(depth - 1) };
const oneString = Buffer.from(JSON.stringify({ model: 'gpt-4o-mini', input: 'x'.repeat(1_000_000), stream: true }));

const bodies: [name: string, bytes: Buffer, aim?: number][] = [
  ['chat', chat(1024, 350), 0.7],
  ['chat', chat(32 * 1024, 700), 45],
  ['chat', chat(1024 * 1024, 4000), 400],
  ['chat about code', chat(32 * 1024, 700, code)],
  ['one long string', oneString, 400],
  ['nested schema', Buffer.from(JSON.stringify(tree(9)))],
];

for (const [name, bytes, aim] of bodies) {
  const what = `${name}, ${bytes.length} bytes`;
  report(
    `scanTopLevel: ${what}`,
    bestMicroseconds(() => scanTopLevel(bytes, names)),
    'body',
    aim,
  );
  report(
    `JSON.parse: ${what}`,
    bestMicroseconds(() => JSON.parse(bytes.toString())),
    'body',
  );
}

for (const size of [1024, 32 * 1024]) {
  const bytes = chat(size, 350);
  const member = scanTopLevel(bytes, names).members.get('model')!;
  report(
    `readString: model of ${size} bytes`,
    bestMicroseconds(() => readString(bytes, member)),
    'value',
  );
  report(
    `splice: model of ${size} bytes`,
    bestMicroseconds(() => splice(bytes, [{ start: member.start, end: member.end, text: '"gpt-4o"' }])),
    'body',
  );
  report(
    `findPath: last message of ${size} bytes`,
    bestMicroseconds(() => findPath(bytes, ['messages', 1, 'content'])),
    'body',
  );
}

const reply = Buffer.from(
  JSON.stringify({
    choices: [{ message: { role: 'assistant', content: prose.repeat(10) } }],
    usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
  }),
);
report(
  `lastObjectNamed: usage of a ${reply.length}-byte reply`,
  bestMicroseconds(() => lastObjectNamed(reply, 'usage')),
  'reply',
);
report(
  `JSON.parse: the same reply`,
  bestMicroseconds(() => JSON.parse(reply.toString())),
  'reply',
);
