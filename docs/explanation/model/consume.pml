/* The consumer: reads after its cursor, repairs gaps from the log, handles each event once. */

#ifdef NO_GAP_CHECK
#define IS_NEXT(p) true
#else
#define IS_NEXT(p) (p == to + 1)
#endif

#ifdef NO_CAS
#define MOVED_MEANWHILE false
#else
#define MOVED_MEANWHILE (cursor != at)
#endif

/* One command of Redis. */
inline read_stream()
{
    to = at;
    for (p : at + 1 .. SLOTS) {
        if
        :: count < BATCH && entry[p] != 0 && IS_NEXT(p) ->
            got[count] = entry[p];
            count++;
            to = p
        :: else
        fi
    }
    p = 0
}

/* One query: the same events, from where they cannot be lost. */
inline read_log()
{
    for (p : at + 1 .. head) {
        if
        :: count < BATCH ->
            got[count] = row[p];
            count++;
            to = p
        :: else
        fi
    }
    p = 0
}

inline run_handlers()
{
    for (k : 0 .. count - 1) {
        NO_PHANTOM(got[k]);
        NOT_HANDLED_BEFORE(got[k]);
        for (p : 1 .. position[got[k]] - 1) {
            EARLIER_IS_HANDLED(p)
        }
        handled[got[k]]++
    }
    k = 0;
    p = 0
}

inline move_cursor()
{
    cursor = to;
    for (p : 1 .. to) {
        CURSOR_PASSES_NO_HOLE(row[p])
    }
    p = 0
}

inline forget_batch()
{
    to = 0;
    count = 0;
    got[0] = 0;
    got[1] = 0
}

active [CONSUMERS] proctype Consumer()
{
    byte at, to, count, p, k, got[BATCH]; /* `at` is remembered, and may be stale */
    do
    :: d_step { read_stream() };
        do
#ifndef NO_REPAIR
        :: d_step { count == 0 && last > at -> read_log() } /* a gap */
#endif
        :: d_step { count == 0 && last <= at -> at = cursor; to = 0 }; /* nothing new */
            break
#if defined(CURSOR_OUTSIDE_TX)
        :: d_step { count > 0 -> run_handlers() };
            if
            :: d_step { !MOVED_MEANWHILE -> move_cursor(); at = to; forget_batch() }
            :: d_step { MOVED_MEANWHILE || DIES -> at = cursor; forget_batch() }
            fi;
            break
#elif defined(CURSOR_MOVED_FIRST)
        :: d_step { count > 0 && !MOVED_MEANWHILE -> move_cursor() };
            if
            :: d_step { run_handlers(); at = to; forget_batch() }
            :: d_step { DIES -> at = cursor; forget_batch() }
            fi;
            break
#else
        :: d_step { /* one transaction: the effects and the cursor, or neither */
                count > 0 && !MOVED_MEANWHILE ->
                run_handlers();
                move_cursor();
                at = to;
                forget_batch()
            };
            break
#endif
        :: d_step { MOVED_MEANWHILE || DIES -> at = cursor; forget_batch() };
            break
        od
    od
}
