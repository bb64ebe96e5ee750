/* The relay: assigns positions to committed events, and adds missing entries to the stream. */

#ifdef PUBLISH_OUTSIDE_TX
#define IS_VISIBLE(e) (fate[e] != unborn)
#else
#define IS_VISIBLE(e) (fate[e] == committed)
#endif

#ifdef NEWEST_FIRST
#define PLACE_IN_TURN (EVENTS + 1 - turn)
#else
#define PLACE_IN_TURN turn
#endif

/* One transaction. The head is locked, so no other relay is in here at the same time. */
inline give_positions()
{
    for (turn : 1 .. EVENTS) {
        e = PLACE_IN_TURN;
        if
        :: IS_VISIBLE(e) && position[e] == 0 ->
            head_seen++;
            POSITION_IS_FREE(head_seen);
            row[head_seen] = e;
            position[e] = head_seen;
            for (c : 1 .. e - 1) {
                if
                :: before[e] & (1 << c) -> CAUSE_CAME_FIRST(c)
                :: else
                fi
            }
        :: else
        fi
    }
    head = head_seen;
    head_seen = 0;
    turn = 0;
    e = 0;
    c = 0
}

#ifdef NO_TAIL_COMPARE
#define ENDS_AS_THE_LOG (seen <= head)
#define ENDS_AS_IT_DID true
#else
#define ENDS_AS_THE_LOG (seen <= head && newest == row[seen])
#define ENDS_AS_IT_DID (last == seen && entry[last] == newest)
#endif

/* One query of the log. */
inline choose_rows()
{
#ifndef HEAD_READ_FIRST
    head_seen = head;
    if
    :: !restored -> STREAM_IS_NOT_AHEAD(start)
    :: else
    fi;
#endif
    seen = start;
    is_sound = ENDS_AS_THE_LOG;
    if
    :: head > start + KEPT -> start = head - KEPT
    :: else
    fi;
    stop = (head > start + BATCH -> start + BATCH : head);
    for (p : start + 1 .. stop) {
        held[p - start - 1] = row[p]
    }
    p = 0;
    head_seen = 0
}

/* One script of Redis: all or nothing. */
inline add_entries()
{
    if
    :: last == 0 && stop > start -> mark_as_new(p)
    :: else
    fi;
    for (p : start + 1 .. stop) {
        if
#ifdef NO_EXPLICIT_ID
        :: last < SLOTS ->
            last++;
#else
        :: p > last -> /* else Redis refuses it: equal or smaller */
            last = p;
#endif
            entry[last] = held[p - start - 1];
            if
            :: !restored -> NO_PHANTOM(entry[last]); ENTRY_IS_THE_ROW(last)
            :: else
            fi
        :: else
        fi
    }
    for (p : 1 .. SLOTS) {
        if
        :: p + KEPT <= last -> entry[p] = 0
        :: else
        fi
    }
#ifdef PUBLISHED_FLAG
    shipped = stop;
#endif
    forget_rows()
}

inline forget_rows()
{
    p = 0;
    start = 0;
    stop = 0;
    seen = 0;
    newest = 0;
    is_sound = false;
    held[0] = 0;
    held[1] = 0
}

#ifdef PUBLISHED_FLAG
byte shipped; /* kept in the database, instead of asking Redis */
#define LAST_SHIPPED shipped
#else
#define LAST_SHIPPED last
#endif

active [RELAYS] proctype Relay()
{
    byte head_seen, start, stop, turn, e, c, p, seen, newest, held[BATCH];
    bool is_sound;
    do
#ifdef NO_HEAD_LOCK
    :: head_seen = head;
        d_step { give_positions() };
#else
    :: d_step { head_seen = head; give_positions() };
#endif
#ifdef HEAD_READ_FIRST
        head_seen = head;
        d_step { start = LAST_SHIPPED; newest = entry[last]; STREAM_IS_NOT_AHEAD(start); head_seen = 0 };
#else
        d_step { start = LAST_SHIPPED; newest = entry[last] };
#endif
        if
        :: d_step { choose_rows() };
            if
            :: d_step { !stopped && is_sound && ENDS_AS_IT_DID -> add_entries() }
            :: d_step { !ENDS_AS_IT_DID -> forget_rows() } /* another relay was here */
            :: d_step { RESTORABLE && ENDS_AS_IT_DID && !is_sound && newest != 0 ->
                    stopped = true; forget_rows() }
            :: d_step { ENDS_AS_IT_DID && !is_sound && newest == 0 && !stopped ->
                    flush(p); forget_rows() } /* its end was deleted: start again */
            :: d_step { stopped -> forget_rows() }
            :: d_step { DIES -> forget_rows() }
            fi
        :: d_step { DIES -> start = 0; newest = 0 }
        fi
    od
}
