// A small persistent pool of threads. The caller works too; whoever finds the pool taken does its work alone.
#pragma once

namespace recuerdo {

using Work = void (*)(void* with, long part);

// Calls work(with, part) for every part from 0 to parts - 1 on at most that many threads, and returns when all are done.
// Safe to call from several threads at once, and in a process that was forked from one that had used it.
void share_out(long parts, Work work, void* with);

}  // namespace recuerdo
