export { Salvage, Salvaged } from './salvage.js'
export { Store, type StoreHost, type StoreOptions } from './store.js'
