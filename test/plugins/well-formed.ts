import assert from 'node:assert/strict';

const empty = new Set(['meta', 'link', 'input', 'br']);
const tag = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*(\/?)>/gy;

/** Fails unless every element of a page is closed in order, every attribute quoted, every `id` unique and every reference met. */
export function checkPage(page: string): void {
  const open: string[] = [];
  const ids = new Set<string>();
  const wanted: string[] = [];
  let at = page.indexOf('<html');
  while ((at = page.indexOf('<', at)) >= 0) {
    tag.lastIndex = at;
    const [text, end, name = '', attributes = '', closed] =
      tag.exec(page) ?? assert.fail(`no tag: ${page.slice(at, at + 80)}`);
    at += text.length;
    for (const [, key, value = ''] of attributes.matchAll(/([a-zA-Z-]+)="([^"]*)"/g)) {
      assert.ok(key !== 'style' && !key!.startsWith('on'), `${key} in ${text}`);
      if (key === 'id') {
        assert.ok(!ids.has(value), `id ${value} comes twice`);
        ids.add(value);
      } else if (key === 'for' || key!.startsWith('aria-labelledby') || key === 'aria-describedby') wanted.push(value);
    }
    if (empty.has(name) || closed === '/') continue;
    if (end === '/') assert.equal(open.pop(), name, `closes in order at ${page.slice(Math.max(0, at - 160), at)}`);
    else open.push(name);
  }
  assert.deepEqual(open, [], 'every element is closed');
  for (const id of wanted) assert.ok(ids.has(id), `there is ${id}`);
}
