import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OpenList } from '../../plugin-sdk/open-list.ts';

test('what is open is found under its place, and places that are free are used again', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (steps) => {
      const list = new OpenList<{ readonly number: number }>();
      const model = new Map<number, { readonly number: number }>();
      let most = 0;
      for (const [number, step] of steps.entries()) {
        if (step > 8) {
          const item = { number };
          const place = list.add(item);
          assert.equal(model.has(place), false, 'a place of its own');
          model.set(place, item);
          most = Math.max(most, model.size);
          assert.ok(place < most, 'no more places than were ever taken at once');
        } else {
          list.delete(step);
          model.delete(step);
        }
        assert.equal(list.size, model.size);
        for (const [place, item] of model) assert.equal(list.get(place), item);
      }
      assert.deepEqual(new Set(list), new Set(model.values()));
    }),
  );
});
