/*
 * cmocka tests in processes of their own, some at a time, so that their waits overlap.
 * Used by tests that mostly wait; each of theirs must have a world of its own.
 */
#ifndef TESTS_SIDE_BY_SIDE_H
#define TESTS_SIDE_BY_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Runs all, at most `at_once` of them at a time; prints each one's output whole when it has ended.
 * 0: all passed. */
int side_by_side(const struct CMUnitTest *tests, size_t count, unsigned at_once);

#endif
