/**
 * The modes by name: the one place that knows them all.
 */
import { bridgeMode } from './bridge/mode.js'
import type { Mode, ModeName } from './mode.js'

const BY_NAME: Readonly<Record<ModeName, () => Mode>> = { bridge: () => bridgeMode }

/** The names that `mode` can have. */
export const MODE_NAMES = Object.keys(BY_NAME) as readonly ModeName[]

/** The mode of a name. */
export function modeOf(name: ModeName): Mode {
  return BY_NAME[name]()
}

/** All modes. */
export function allModes(): Mode[] {
  return MODE_NAMES.map(modeOf)
}
