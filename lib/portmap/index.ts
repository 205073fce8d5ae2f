export * from './mapping.js'
export * from './portmap.js'
export * from './rules.js'
export * from './table.js'
