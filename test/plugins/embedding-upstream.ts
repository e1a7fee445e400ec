/** Words that carry no meaning of their own, and words that mean the same. */
const empty = new Set(
  'a an the is are do does how what which way to of my your i me can could you please tell about in for it'.split(' '),
);
const same: Readonly<Record<string, string>> = {
  renew: 'extend',
  prolong: 'extend',
  cancel: 'end',
  terminate: 'end',
  stop: 'end',
  purchase: 'buy',
  acquire: 'buy',
  repair: 'fix',
  mend: 'fix',
  automobile: 'car',
  flat: 'apartment',
  notebook: 'laptop',
  mobile: 'phone',
};

/** A deterministic embedding: the direction of each meaningful word, added up. Paraphrases of the same words are near. */
export function embeddingOf(text: string, dimensions = 256): number[] {
  const sum = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    if (empty.has(word)) continue;
    let state = seedOf(same[word] ?? word);
    for (let i = 0; i < dimensions; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      sum[i]! += state / 2 ** 31 - 1;
    }
  }
  return sum;
}

function seedOf(word: string): number {
  let seed = 2_166_136_261;
  for (const char of word) seed = Math.imul(seed ^ char.charCodeAt(0), 16_777_619) >>> 0;
  return seed;
}

const verbs = [
  ['extend', 'renew', 'prolong'],
  ['end', 'cancel', 'terminate'],
  ['buy', 'purchase', 'acquire'],
  ['fix', 'repair', 'mend'],
  ['paint'],
  ['sell'],
  ['insure'],
  ['clean'],
  ['rent'],
  ['measure'],
] as const;
const objects = [
  ['car', 'automobile'],
  ['apartment', 'flat'],
  ['laptop', 'notebook'],
  ['phone', 'mobile'],
  ['passport'],
  ['bicycle'],
  ['garden'],
  ['subscription'],
  ['mortgage'],
  ['piano'],
] as const;

export interface Intent {
  readonly first: string;
  readonly paraphrases: readonly string[];
}

/** Questions by what they mean: 100 meanings, each asked in three ways. */
export function intents(): Intent[] {
  return verbs.flatMap((verb) =>
    objects.map((object) => ({
      first: `How do I ${verb[0]} my ${object[0]}?`,
      paraphrases: [
        `What is the way to ${verb.at(-1)} the ${object.at(-1)}?`,
        `Please tell me how I can ${verb[1] ?? verb[0]} my ${object[0]}`,
      ],
    })),
  );
}
