export * from './mapping.js'
export * from './portmap.js'
export * from './table.js'
