export * from './entry.js'
export * from './verbs.js'
