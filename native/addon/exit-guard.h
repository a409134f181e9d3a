#pragma once

namespace sluice {

class Engine;

// Ends the engines that are still there when the process exits, before the objects that they use
// are destroyed: exit() destroys static objects while other threads go on, and an engine's thread
// that computes meanwhile crashes. The 'exit' listener of src/engine/open-engines.ts comes first,
// but another listener that throws, calls process.exit() or was put in front of it, and
// process.reallyExit(), leave it out.
//
// A handler of atexit() runs before the destructors that were registered before it, so it is
// registered again after each new one: llama.cpp makes static objects when it first needs them. On
// Linux the linker lets the addon see each registration (--wrap=__cxa_atexit); elsewhere, and for
// ggml's libraries in a package, it is done where there may be new ones. Nothing of this is needed
// on Windows, which ends all other threads first. Any thread.

// From now on until unguard_exit(). Both are called by the engine's owner.
void guard_exit(Engine& engine);
void unguard_exit(Engine& engine);
// Static objects may have been made: engines are ended before those are destroyed as well.
void rearm_exit_guard();
// From then on no wake-up may be sent any more.
bool is_process_exiting();

}  // namespace sluice
