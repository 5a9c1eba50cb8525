/** minhash.as, compiled; see there for how. Text, so that every runtime and bundler loads it alike. */
export const minhashWasm =
  'AGFzbQEAAAABCgFgBn9/f39/fwADAgEABQMBAAEHFAIHbWluaGFzaAAABm1lbW9yeQIACo4BAYsBAgJ/A3sgACABQQJ0aiEHA0AgBiAEQQJ0SQRAIAIgBmr9AAQAIQkgAyAGav0ABAAhCv0M////f////3////9/////fyEIIAAhAQNAIAEgB0kEQCAIIAH9CQIAIAn9tQEgCv2uAf22ASEIIAFBBGohAQwBCwsgBSAGaiAI/QsEACAGQRBqIQYMAQsLCw=='
