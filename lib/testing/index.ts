/**
 * For tests without root: a kernel in memory that plans run against.
 *
 * @module vnet-cni/testing
 */
export { FakeKernel, type FailOptions, type RecordedStep } from './fake-kernel.js'
