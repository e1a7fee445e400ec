import { join } from 'node:path';
import { closeShared, openDatabase, openShared } from '../../plugins/store-lmdb/open-shared.ts';

/** A process that opens and closes two environments again and again beside others: `node store-opener.ts FOLDER MILLISECONDS`. */
const [dataDir, ms] = process.argv.slice(2) as [string, string];
let opened = 0;
for (const end = Date.now() + Number(ms); Date.now() < end; opened++) {
  for (const name of ['some', 'other']) {
    const environment = openShared(join(dataDir, name), { maxDbs: 4, mapSize: 2 ** 28 });
    openDatabase(environment, 'rows');
    await closeShared(environment);
  }
}
console.log(opened);
