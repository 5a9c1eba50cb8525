/** Names of the server-sent events that the console listens to. */
export const liveTopics = ['events', 'entries', 'jobs', 'decisions', 'appeals', 'stats', 'system'] as const
