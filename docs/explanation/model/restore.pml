/* Once, the publisher's database is restored, and a person comes when something has stopped. */

#ifdef RESTORE
byte common;               /* the head of the backup: what both logs have */

/* Events in the lost part of the log no longer exist, and caused none that does. */
inline lose(e)
{
    fate[e] = lost;
    position[e] = 0;
    for (i : 1 .. EVENTS) {
        before[i] = before[i] & ~(1 << e)
    }
}

inline restore_log()
{
    for (k : common + 1 .. head) {
        lose(row[k]);
        row[k] = 0
    }
    head = common;
    restored = true;
    k = 0;
    i = 0
}

/* The subscriber's database is the same, or is restored to the same moment: effects go, too. */
inline restore_cursor()
{
    for (k : 1 .. EVENTS) {
        if
        :: position[k] == 0 || position[k] > back -> handled[k] = 0
        :: else
        fi
    }
    cursor = back;
    cursor_event = row[back];
    k = 0
}

active proctype Restore()
{
    byte k, i, back;
    do
    :: d_step { common < head && DIES -> common++ }
    :: d_step { back < common && back < cursor && DIES -> back++ }
    :: break
    od;
    if
    :: d_step { common < head && DIES -> restore_log() }
    :: d_step { common < head && back <= common && back <= cursor && DIES ->
            restore_log(); restore_cursor() }
    :: back = 0; common = 0
    fi;
    back = 0
}

/* Does what the errors say: `epoch`, and `replay` from the first position that is not common. */
active proctype Person()
{
    byte k;
    do
    :: d_step { stopped -> flush(k); stopped = false }
    :: d_step { restored && cursor > common && row[cursor] != cursor_event ->
            cursor = common; cursor_event = row[common] }
    od
}
#endif
