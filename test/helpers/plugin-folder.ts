import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const inRoot = (path: string): string =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The default list as it ships. */
export const CONFLIST = inRoot('conf/10-azure.conflist')
/** The operators' scripts. */
export const SCRIPTS = inRoot('scripts')

/**
 * Folder with the programs to test: `VNET_CNI_BIN`, else the bundle when there is one, else
 * the launchers that need Node.
 */
export function pluginFolder(): string {
  const folders = [process.env['VNET_CNI_BIN'], inRoot('dist/bundle'), inRoot('dist/cni')]
  const found = folders.find((folder) => folder && existsSync(`${folder}/vnet-cni`))
  if (found) return found
  throw new Error(`no vnet-cni in ${folders.join(', ')}: npm run build`)
}
