/* Publish: transactions that insert one event each, in order of id, and end in any order. */

inline insert()
{
    born++;
    fate[born] = open;
    for (e : 1 .. born - 1) {
        if
        :: fate[e] == committed -> before[born] = before[born] | (1 << e)
        :: else
        fi
    }
    e = 0
}

#define ENDS(e) :: fate[e] == open -> fate[e] = committed :: fate[e] == open -> fate[e] = undone

active proctype Publishers()
{
    byte born, e;
    do
    :: d_step { born < EVENTS -> insert() }
    ENDS(1)
    ENDS(2)
    ENDS(3)
    od
}
