/** Sends SIGKILL to all processes in the namespace of a file, except this one. */
export function endOccupants(path: string): void
