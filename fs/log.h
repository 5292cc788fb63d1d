/* log.h: what the program says to people: to stderr, or to syslog once it is a daemon.
 *
 * A message is one line, `credfs: what happened to what: what to do`. Never a secret. Thread-safe once started.
 */
#ifndef CREDFS_LOG_H
#define CREDFS_LOG_H

/* Leave the terminal: from now on messages go to syslog (facility daemon), descriptors 0 to 2 to /dev/null, and no
 * directory is held. Call before other threads run. */
void log_to_background(void);

/* Something failed; something is odd; something worth telling happened. format: without "credfs: " and newline. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
