/** A unit vector of its own for each number, far from those of all others. */
export function numberedVector(number: number, dimensions = 256): Float32Array {
  let state = (number * 2_654_435_761 + 1) >>> 0;
  const vector = Float32Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const length = Math.hypot(...vector);
  return vector.map((one) => one / length);
}
