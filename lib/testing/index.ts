/**
 * For tests without root: a kernel in memory that plans run against.
 *
 * @module vnet-cni/testing
 */
export * from './fake-kernel.js'
