/** The path of a verb on a model: `/models/NAME:verb`. A name that has slashes (`tunedModels/x`) says itself where it lies. */
export function modelPath(model: string, verb: string): string {
  const name = model.includes('/')
    ? model.split('/').map(encodeURIComponent).join('/')
    : `models/${encodeURIComponent(model)}`;
  return `/${name}:${verb}`;
}

/** What a path asks of a model, be it an adapter's or of a client who speaks Google's format and names the model in words of its own. */
export function verbOf(path: string): string | undefined {
  return /^\/models\/.+:(\w+)$/.exec(path)?.[1];
}
