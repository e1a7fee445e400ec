import type { Host } from '../../plugin-sdk/index.ts';
import { LmdbRecords } from '../../plugins/store-lmdb/records.ts';
import { recordNumber } from './record-store.ts';

/** A process that appends records beside others: `node record-writer.ts FOLDER NAME COUNT`. */
const [dataDir, name, count] = process.argv.slice(2) as [string, string, string];
let close: () => unknown = () => undefined;
const shared = <T>(_key: string, create: () => T, end: (value: T) => unknown): T => {
  const value = create();
  close = () => end(value);
  return value;
};
const store = new LmdbRecords({ dataDir, shared } as unknown as Host, 1024 ** 3);
for (let i = 0; i < Number(count); i += 20) {
  await store.append(
    Array.from({ length: 20 }, (_, at) =>
      recordNumber(i + at, { id: `${name}-${i + at}`, model: `model-of-${name}-${at}`, cost: 1 }),
    ),
  );
}
await close();
