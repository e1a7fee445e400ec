/**
 * The function that stands in for a wanted output format where a model takes no format beside tools: the model has to
 * call a tool, and a call of this one is the answer. The name is reserved, so that decoding knows it without the request.
 */
export const answerTool = 'bf_json_answer';

export const answerToolDescription = 'Give the final answer to the user with this function.';
