/** The path of a verb on a model: `/models/NAME:verb`. A name that has slashes (`tunedModels/x`) says itself where it lies. */
export function modelPath(model: string, verb: string): string {
  const name = model.includes('/')
    ? model.split('/').map(encodeURIComponent).join('/')
    : `models/${encodeURIComponent(model)}`;
  return `/${name}:${verb}`;
}
