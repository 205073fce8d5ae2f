/**
 * For tests without root: a kernel in memory that plans run against.
 *
 * @module
 */
export * from './fake-kernel.js'
