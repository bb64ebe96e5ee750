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

#ifdef NO_CURSOR_COMPARE
#define CURSOR_IS_THE_LOGS true
#else
#define CURSOR_IS_THE_LOGS (at == 0 || row[at] == at_event)
#endif

#ifdef NO_EVENT_COMPARE
#define BATCH_IS_THE_LOGS true
#else
#define BATCH_IS_THE_LOGS (row[to] == got[count - 1])
#endif

#ifdef RESTORE
#define READ_MARK is_new[me] = false
#define HAS_NEW_MARK is_new[me]
#else
#define READ_MARK skip
#define HAS_NEW_MARK false
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

/* One query: the same events, from the log, where they cannot be lost. */
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
    cursor_event = got[count - 1];
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

inline look_where_the_cursor_is()
{
    at = cursor;
    at_event = cursor_event;
    forget_batch()
}

inline go_on()
{
    at = to;
    at_event = got[count - 1];
    forget_batch()
}

active [CONSUMERS] proctype Consumer()
{
    byte at, at_event, to, count, p, k, got[BATCH]; /* `at` is remembered, and may be stale */
    byte me = _pid - RELAYS - 1; /* publishers and relays come before */
    do
    :: d_step { stopped -> look_where_the_cursor_is() }
    :: d_step { !stopped && HAS_NEW_MARK && !CURSOR_IS_THE_LOGS -> look_where_the_cursor_is() }
    :: d_step { !stopped && (!HAS_NEW_MARK || CURSOR_IS_THE_LOGS) -> READ_MARK; read_stream() };
        do
#ifndef NO_REPAIR
        :: d_step { count == 0 && last > at && CURSOR_IS_THE_LOGS && head > at -> read_log() } /* a gap */
#endif
        :: d_step { count == 0 && (last <= at || !CURSOR_IS_THE_LOGS || (RESTORABLE && head <= at)) ->
                look_where_the_cursor_is() }; /* nothing new */
            break
#if defined(CURSOR_OUTSIDE_TX)
        :: d_step { count > 0 -> run_handlers() };
            if
            :: d_step { !MOVED_MEANWHILE -> move_cursor(); go_on() }
            :: d_step { MOVED_MEANWHILE || DIES -> look_where_the_cursor_is() }
            fi;
            break
#elif defined(CURSOR_MOVED_FIRST)
        :: d_step { count > 0 && !MOVED_MEANWHILE -> move_cursor() };
            if
            :: d_step { run_handlers(); go_on() }
            :: d_step { DIES -> look_where_the_cursor_is() }
            fi;
            break
#else
        :: d_step { /* one transaction: the effects and the cursor, or neither */
                count > 0 && !MOVED_MEANWHILE && BATCH_IS_THE_LOGS ->
                run_handlers();
                move_cursor();
                go_on()
            };
            break
        :: d_step { count > 0 && !BATCH_IS_THE_LOGS -> look_where_the_cursor_is() };
            break
#endif
        :: d_step { MOVED_MEANWHILE || DIES -> look_where_the_cursor_is() };
            break
        od
    od
}
