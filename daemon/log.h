/*
 * The daemon's log: one line an event, to standard error (the journal under systemd).
 * Used by handlers; library code returns a status and does not log.
 * Must never be given a secret: passwords, tokens and keys have no way to become a field.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stddef.h>
#include <syslog.h>

/* Room for a quoted value of the longest user or host name, every byte escaped. */
#define LOG_VALUE_SIZE 1100

/* Writes one line; control characters in it become '?'. `priority` is syslog(3)'s. */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A value for a field: as it is where it is made of harmless characters alone, else in quotes with
 * \xNN for what could break a line or end the quotes; "-" where it is empty. Returns ret_value.
 */
const char *log_value(const char *value, char ret_value[LOG_VALUE_SIZE]);

#endif
