/**
 * Entry of the single executable: runs at once, as the program that it was called as.
 */
import { processWorld, type World } from './host/world.js'
import { main } from './main.js'

/** What scripts/bundle/loader.cjs hands to the bundle; a rehearsal changes the world. */
declare const embedded: { readonly world?: Partial<World> }

const world: World = { ...processWorld(), ...embedded.world }
// argv[0] is the executable's own path; argv0 is what the caller wrote.
void main(world.argv0, world)
