export * from './backend.js'
export * from './conflict.js'
export * from './mapping.js'
export * from './sockets.js'
