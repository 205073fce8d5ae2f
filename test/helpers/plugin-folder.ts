import { fileURLToPath } from 'node:url'

const inRoot = (path: string): string =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The default list as it ships. */
export const CONFLIST = inRoot('conf/10-azure.conflist')
/** The operators' scripts. */
export const SCRIPTS = inRoot('scripts')
