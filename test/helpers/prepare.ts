/**
 * Makes what tests are run on, once and before them, so that the time of no test goes into it:
 * `node --import tsx test/helpers/prepare.ts [FILE…]`. Only what those files need, when some are
 * named. The tests make what is missing, too.
 */
import { currentBundle } from './bundle.js'
import { unpacked } from './hosts/debian.js'
import { HOSTS } from './hosts/index.js'
import { currentPrebuilds } from './package.js'
import { currentRelease } from './release.js'

/** Debian's packages that hosts of the zoo have and this machine has not. */
async function unpackDaemons(): Promise<void> {
  const names = new Set(HOSTS.flatMap((host) => host.unpacked ?? []))
  for (const name of names) await unpacked(name)
}

const NEEDS = [
  { rooms: ['bundle', 'scripts', 'e2e'], name: 'the bundle', make: currentBundle },
  { rooms: ['scripts'], name: 'its archive', make: currentRelease },
  { rooms: ['hosts'], name: 'daemons of the zoo', make: unpackDaemons },
  { rooms: ['shipping'], name: 'the prebuilt addons', make: currentPrebuilds },
]

const files = process.argv.slice(2)
const isWanted = (room: string) =>
  files.length === 0 || files.some((path) => path.startsWith(`test/${room}`))

for (const { name, make } of NEEDS.filter(({ rooms }) => rooms.some(isWanted))) {
  process.stderr.write(`set-up: ${name}\n`)
  await make()
}
