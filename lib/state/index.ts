export { Store, type StoreHost, type StoreOptions } from './store.js'
