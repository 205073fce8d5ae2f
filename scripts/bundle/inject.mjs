// Has pkg put a script into a copy of Node. A process of its own, because pkg looks for its folder
// and its programs in the environment of the process that it runs in:
//
//   node inject.mjs LOADER NODE OUTPUT ARCH
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { EXEC_ARGV } from './flags.mjs'

const { default: sea } = createRequire(import.meta.url)('@yao-pkg/pkg/lib-es5/sea')
const [loader, nodePath, output, arch] = process.argv.slice(2)
await sea(loader, {
  targets: [{ platform: 'linux', arch, nodeRange: 'node24', output }],
  nodePath,
  seaConfig: {
    // The blob holds this text. A full path would differ from checkout to checkout; pkg works two
    // folders below TMPDIR, where the loader is.
    main: join('..', '..', basename(loader)),
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: false,
    execArgv: EXEC_ARGV,
    // Switches that we chose, not ones that a runtime's environment happens to hold.
    execArgvExtension: 'none',
  },
})
