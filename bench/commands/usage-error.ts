// A mistake in the command line: shown as one line, without a stack.

export class UsageError extends Error {}
