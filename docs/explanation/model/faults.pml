/* The faults: they happen any number of times, until the system is healed. */

inline trim()
{
    for (k : 1 .. last) {
        if
        :: entry[k] != 0 -> entry[k] = 0; break
        :: else
        fi
    }
    k = 0
}

active proctype Redis()
{
    byte k;
    do
    :: d_step { DIES && last > 0 -> trim() }
    :: d_step { DIES && last > 0 -> flush(k) }
    :: d_step { DIES && last > 0 -> entry[last] = 0; last-- } /* a fail-over loses the tail */
    :: healed -> break
    od
}

#ifndef NEVER_HEALED
active proctype Healer()
{
    healed = true
}
#endif
