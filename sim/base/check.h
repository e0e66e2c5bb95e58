/* check: our own mistakes.
 *
 * A condition that only a bug can break is written CHECK(condition).  It is in every
 * build, says where it stands, and aborts: a wrong number is worse than no number.
 */
#ifndef SERVESIM_BASE_CHECK_H
#define SERVESIM_BASE_CHECK_H

#define CHECK(condition) \
    ((condition) ? (void)0 : check_fail(#condition, __FILE__, __LINE__))

/* Prints the broken condition and where it stands, then aborts. */
_Noreturn void check_fail(const char *condition, const char *file, int line);

#endif
