export * from './expr.js'
export * from './set.js'
export * from './transaction.js'
export * from './types.js'
